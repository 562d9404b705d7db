"""The PDF of an e-invoice: template context, translations and print job."""
