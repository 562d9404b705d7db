"""Goods receipts: services, search, packing lists and roll files."""
