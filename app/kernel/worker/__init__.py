"""Celery: application, consumer, scheduler, heartbeats and leased work."""
