"""Celery task of sales: render pick slips and box labels."""

from __future__ import annotations

from app.extensions import celery
from app.sales.prints import service

#: Seconds. Ten thousand labels take minutes, and short papers are printed between their parts.
PRINTING_SOFT_LIMIT, PRINTING_HARD_LIMIT = 900, 920


@celery.task(name="sales.print_papers", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def print_papers() -> None:
    """Render the papers that are due, and throw old ones away."""
    if service.print_due():
        service.trigger_printer()
