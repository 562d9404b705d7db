"""From the canonical form of an invoice, of whatever origin, to the canonical form of one format: pure functions."""
