"""Content of e-invoices: facts for legal formats, lines, taxes of items, allowances of a document, tax numbers."""
