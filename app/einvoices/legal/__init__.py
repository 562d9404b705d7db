"""Legal documents of e-invoices: checks and verdicts of documents that somebody sends."""
