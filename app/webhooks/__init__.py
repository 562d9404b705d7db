"""Webhooks: endpoints, deliveries with all their attempts, and the sender."""
