"""Reading sales invoices: look-up, lists, search, gaps."""
