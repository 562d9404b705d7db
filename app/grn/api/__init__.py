"""API of goods receipts: receipts, fabric items, PDFs and master data."""
