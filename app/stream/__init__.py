"""API of the event log: reading by position, and live streams (server-sent events)."""
