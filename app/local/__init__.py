"""Layer 4: the local run of the hub by ``make run``, with embedded servers and a process group."""
