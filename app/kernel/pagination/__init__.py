"""Pages of lists: by offset and by keyset."""
