"""Celery tasks of goods receipts: rendering of the PDFs."""

from __future__ import annotations

from app.extensions import celery
from app.grn.papers import print_job
from app.grn.papers.service import trigger_printer

#: Seconds. A PDF of 10,000 rolls takes about a minute, and a machine may be ten times slower. Short documents of
#: other packages are rendered between the parts of a long one.
PRINTING_SOFT_LIMIT, PRINTING_HARD_LIMIT = 900, 920


@celery.task(name="grn.print_papers", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def print_receipts() -> None:
    """Render the PDFs that are due."""
    if print_job.print_due():
        trigger_printer()
