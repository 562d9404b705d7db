"""API tokens: their format, their life and how a request authenticates with one."""
