"""Requests that the hub makes to addresses of its users: filter of addresses, name resolution."""
