"""The machine: native threads and private folders."""
