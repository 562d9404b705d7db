"""PDFs of goods receipts: the goods receipt note and the roll labels."""
