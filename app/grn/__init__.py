"""Floor 3: goods receipts for fabric: packing lists, rolls, ledgers and their master data."""
