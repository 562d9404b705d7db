"""Tables of e-invoices, sellers and background work."""
