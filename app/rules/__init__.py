"""Rules that a legal document must keep: exact sums, XML schemas and the rules of the standards."""
