"""E-invoices (layer 3): drafts, numbers, PDFs, providers, returns and credit notes."""
