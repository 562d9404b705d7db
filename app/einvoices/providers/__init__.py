"""E-invoice providers: clients, outbox, status reports."""
