"""Texts for other programs: what a spreadsheet must not compute."""
