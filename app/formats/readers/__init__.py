"""Readers of UBL, UBL-TR, CII and INV-01: from a document to its canonical form."""
