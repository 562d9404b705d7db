"""E-invoices beside the requests: printing, sending, and adding up the tallies."""

from __future__ import annotations

from app.einvoices.lifecycle.issue import trigger_printer, trigger_sender
from app.einvoices.pdf import print_job
from app.einvoices.providers import outbox
from app.einvoices.queries import tallies
from app.extensions import celery

#: A document of a thousand lines takes about ten seconds; a machine may be ten times as slow.
PRINTING_SOFT_LIMIT, PRINTING_HARD_LIMIT = 100, 110


@celery.task(name="einvoices.print_pdfs", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def print_einvoices() -> None:
    """Make the PDFs that are due."""
    if print_job.print_due():
        trigger_printer()


@celery.task(name="einvoices.send")
def send() -> None:
    """Send what is due to the providers, and take what the simulated one says."""
    if outbox.send_due():
        trigger_sender()
    outbox.apply_due_callbacks()


@celery.task(name="einvoices.compact")
def compact() -> int:
    """Add up the tallies; returns how many rows were added up."""
    return tallies.compact()
