"""Pages of goods receipts: associations to styles, labels, master data."""
