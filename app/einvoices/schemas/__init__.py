"""Schemas of the e-invoice API."""
