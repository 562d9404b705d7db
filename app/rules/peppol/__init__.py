"""Rules of Peppol BIS Billing 3.0 for UBL, besides those of EN 16931."""
