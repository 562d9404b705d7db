"""Which files are kept, and their move to another store."""
