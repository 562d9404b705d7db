"""Imports of invoices: single, in batches, as a stream."""
