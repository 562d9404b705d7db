"""Legal invoice formats: one canonical form and the readers of UBL, CII, UBL-TR, INV-01 and hybrid PDFs."""
