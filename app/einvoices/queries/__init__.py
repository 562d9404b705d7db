"""Reading e-invoices: look-up, search, counts and the order of changes."""
