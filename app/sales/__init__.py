"""Floor 3: sales invoices of a pharmacy distributor, from the ERP's import to the customer's door."""
