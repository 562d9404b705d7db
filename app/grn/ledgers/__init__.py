"""Ledgers of fabric items: associations to styles, other movements and balances."""
