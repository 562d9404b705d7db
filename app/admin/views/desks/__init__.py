"""Pages for a whole day's work of one kind."""
