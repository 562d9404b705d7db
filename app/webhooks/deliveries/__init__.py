"""Deliveries: fan-out of events, queries, replay, retention."""
