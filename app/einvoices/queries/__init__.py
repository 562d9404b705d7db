"""Queries of e-invoices: look-up, lists, search, counts, and the clock of changes."""
