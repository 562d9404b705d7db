"""Routes of the sales API."""
