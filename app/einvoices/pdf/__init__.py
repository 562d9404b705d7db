"""The PDF of an e-invoice: its content, translations and print job."""
