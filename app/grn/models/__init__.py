"""Tables of goods receipts, master data and PDFs."""
