"""Lifecycle of an e-invoice: draft, issue, numbers, totals, credit notes and returns."""
