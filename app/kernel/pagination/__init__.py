"""Pagination of lists: limits of rows and bytes, the cursor codec, and keyset pages."""
