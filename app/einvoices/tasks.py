"""Celery tasks of e-invoices: print PDFs, send to providers, compact the tallies."""

from __future__ import annotations

from app.einvoices.lifecycle.issue import trigger_printer
from app.einvoices.pdf import print_job
from app.einvoices.providers import doubt, outbox
from app.einvoices.providers.sendings import trigger_sender
from app.einvoices.queries import tallies
from app.extensions import celery
from app.kernel.worker.celery_app import DebouncedTask

trigger_look_up = DebouncedTask("einvoices.look_up")
#: Seconds. A document of 1000 long lines takes about 100 s, and short documents are printed between its parts.
PRINTING_SOFT_LIMIT, PRINTING_HARD_LIMIT = 900, 920


@celery.task(name="einvoices.print_pdfs", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def print_einvoices() -> None:
    """Render the PDFs that are due."""
    if print_job.print_due():
        trigger_printer()


@celery.task(name="einvoices.send")
def send() -> None:
    """Send due e-invoices to their providers, and apply due callbacks of the simulator."""
    if outbox.send_due():
        trigger_sender()
    outbox.apply_due_callbacks()


@celery.task(name="einvoices.look_up")
def look_up() -> None:
    """Ask providers for the e-invoices whose sending was given up in doubt."""
    if doubt.look_up_due():
        trigger_look_up()


@celery.task(name="einvoices.compact")
def compact() -> int:
    """Compact the tallies; returns the number of rows that were merged."""
    return tallies.compact()
