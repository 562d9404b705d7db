"""Celery application, consumer, scheduler, heartbeats, and the queue of leased work rows."""
