"""The Celery application, for workers, beat and Flower: ``celery -A celery_worker …``."""

from __future__ import annotations

import wsgi  # noqa: F401 - create_app() binds Celery to the application
from app.extensions import celery

__all__ = ["celery"]
