"""Embedded PostgreSQL and Valkey, their paths and system user, and checks of external servers."""
