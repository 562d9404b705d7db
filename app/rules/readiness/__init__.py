"""Readiness: what an invoice in the hub's own form lacks for a legal document, before a number is drawn."""
