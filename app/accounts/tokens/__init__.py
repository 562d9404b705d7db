"""Scoped tokens: text format, lifecycle and authentication of requests."""
