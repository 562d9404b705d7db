"""Celery as its worker, beat and Flower find it: ``celery -A celery_worker …``."""

from __future__ import annotations

import wsgi  # noqa: F401 - making the application binds Celery to it
from app.extensions import celery

__all__ = ["celery"]
