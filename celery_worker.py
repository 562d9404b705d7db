"""Celery as its worker, beat and Flower find it: ``celery -A celery_worker …``."""

from __future__ import annotations

from app.extensions import celery
from wsgi import app

__all__ = ["app", "celery"]
