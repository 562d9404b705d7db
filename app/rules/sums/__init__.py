"""Exact sums: equations between the amounts of a document, and the named rounding rules that fit."""
