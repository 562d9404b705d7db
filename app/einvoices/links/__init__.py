"""Public links to the PDFs of e-invoices: create, list, revoke, open."""
