"""Goods receipts of fabric (GRN): packing lists, rolls, ledgers and master data."""
