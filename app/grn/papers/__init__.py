"""Printed papers of goods receipts: the note and the roll labels."""
