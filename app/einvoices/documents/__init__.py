"""Legal documents of e-invoices: the canonical form, frozen at issue, and the documents written from it."""
