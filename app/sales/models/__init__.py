"""Tables of sales invoices, masters and the floor."""
