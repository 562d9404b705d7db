"""Sales invoices of a pharmacy distributor: import from the ERP, picking, packing, delivery, returns to billing."""
