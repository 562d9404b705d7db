"""The audit trail for readers: search for people, and a log with positions for collectors."""
