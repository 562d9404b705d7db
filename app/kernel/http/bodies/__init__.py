"""Bodies of requests: how they are read."""
