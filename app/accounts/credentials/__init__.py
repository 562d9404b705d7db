"""Credentials of machines: API keys, allowlists, last use, and revalidation on open connections."""
