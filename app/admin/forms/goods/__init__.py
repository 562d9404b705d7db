"""Forms of goods receipts and their master data."""
