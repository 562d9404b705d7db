"""Routes of the webhook API."""
