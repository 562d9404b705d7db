"""Forms of the pages and their fields."""
