"""Schemas of the API of goods receipts: payloads, filters and pagination."""
