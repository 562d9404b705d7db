"""Floor 3: e-invoices, from a draft to a number, a PDF, the provider, and what is given back."""
