"""Goods receipts beside the requests: printing their papers."""

from __future__ import annotations

from app.extensions import celery
from app.grn.papers import print_job
from app.grn.papers.service import trigger_printer

#: Ten thousand rolls take about a minute for each paper; a machine may be ten times as slow. Shorter documents of
#: other rooms are let through meanwhile.
PRINTING_SOFT_LIMIT, PRINTING_HARD_LIMIT = 900, 920


@celery.task(name="grn.print_papers", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def print_receipts() -> None:
    """Make the papers that are due."""
    if print_job.print_due():
        trigger_printer()
