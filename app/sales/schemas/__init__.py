"""Schemas of the sales API."""
