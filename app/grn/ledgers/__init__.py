"""Stock ledgers: association of fabric to the styles of an order."""
