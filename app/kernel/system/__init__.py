"""The machine: native threads, child processes and private folders."""
