"""Schemas of the webhook API."""
