"""Stored files: one interface, in a folder or in a bucket of an object store."""
