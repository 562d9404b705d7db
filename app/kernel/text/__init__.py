"""Texts: letters without case and accents, and what a spreadsheet must not compute."""
