"""Floor 1: the words that every room uses."""
