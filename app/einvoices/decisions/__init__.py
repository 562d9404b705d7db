"""Decisions of people about sendings in doubt, and the look-ups that check them afterwards."""
