"""Tests of the content of e-invoices."""
