"""Pagination of lists: page limits, the cursor codec, and keyset pages."""
