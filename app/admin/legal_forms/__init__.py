"""Fields of pages for what legal formats need of e-invoices."""
