"""Goods receipts: create, replace, search, packing lists and roll files."""
