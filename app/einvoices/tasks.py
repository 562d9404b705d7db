"""Celery tasks of e-invoices: print, preview, send, look up, end the work of archived accounts, compact the tallies."""

from __future__ import annotations

from app.einvoices.documents import legal_documents
from app.einvoices.lifecycle.issue import trigger_printer
from app.einvoices.official import check_job, check_queue, request_job, request_queue
from app.einvoices.pdf import previews, print_job
from app.einvoices.provider_accounts import archived_work, callbacks, sent_documents
from app.einvoices.providers import http_provider, look_ups, outbox, sendings
from app.einvoices.queries import tallies
from app.extensions import celery
from app.formats.legal_format import LegalFormat
from app.kernel.outbound.ssrf import RESOLVE_SECONDS
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import HTTP_DEADLINE, LEASE
from app.rules.official.xslt_processor import is_installed

#: Seconds. A document of 1000 long lines takes about 100 s, and short documents are printed between its parts.
PRINTING_SOFT_LIMIT, PRINTING_HARD_LIMIT = 900, 920
#: Seconds. After the last claim of a round follow a look-up and a sending, each with its name resolution.
SENDING_SOFT_LIMIT, SENDING_HARD_LIMIT = 105, 110
#: Seconds. The first check of a process compiles the rules; a document of 3,000 lines takes a few seconds.
CHECKING_SOFT_LIMIT, CHECKING_HARD_LIMIT = 110, 120

_LAST_REQUEST = http_provider.LOOK_UP_DEADLINE + HTTP_DEADLINE + 2 * RESOLVE_SECONDS
if not (_LAST_REQUEST < LEASE and outbox.LONGEST_ROUND + _LAST_REQUEST < SENDING_SOFT_LIMIT < SENDING_HARD_LIMIT):
    raise RuntimeError("deadlines are out of order: a lease must outlive its request, and a task its round")
if not check_job.BUDGET < CHECKING_SOFT_LIMIT < CHECKING_HARD_LIMIT < check_job.LEASE.total_seconds():
    raise RuntimeError("deadlines are out of order: the lease of a check must outlive its task")


@celery.task(name="einvoices.print_pdfs", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def print_einvoices() -> None:
    """Render the PDFs that are due."""
    if print_job.print_due():
        trigger_printer()


@celery.task(name="einvoices.print_previews", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def print_previews() -> None:
    """Render the previews that are due, and throw old ones away."""
    if previews.print_due():
        previews.trigger_previewer()


@celery.task(name="einvoices.write_document", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def write_document(einvoice_id: int, name: str) -> None:
    """Write a legal document that takes too long for a request."""
    legal_documents.write(einvoice_id, LegalFormat(name))


@celery.task(name="einvoices.write_sent_documents", soft_time_limit=PRINTING_SOFT_LIMIT, time_limit=PRINTING_HARD_LIMIT)
def write_sent_documents() -> None:
    """Write the legal documents that sendings wait for."""
    if sent_documents.write_due():
        sendings.trigger_writer()


@celery.task(name="einvoices.check_documents", soft_time_limit=CHECKING_SOFT_LIMIT, time_limit=CHECKING_HARD_LIMIT)
def check_documents() -> None:
    """Apply the official rules to the documents that are due."""
    if check_job.check_due():
        check_queue.trigger_checker()


@celery.task(name="einvoices.check_requested")
def check_requested() -> None:
    """Apply the official rules to the documents that somebody waits for."""
    if request_job.check_requested():
        request_queue.trigger_checker()


@celery.task(name="einvoices.recheck_documents", soft_time_limit=CHECKING_SOFT_LIMIT, time_limit=CHECKING_HARD_LIMIT)
def recheck_documents() -> None:
    """Have documents checked that were not yet, or by other rule sets than those of now."""
    if is_installed():
        check_queue.queue_outdated()


@celery.task(name="einvoices.send", soft_time_limit=SENDING_SOFT_LIMIT, time_limit=SENDING_HARD_LIMIT)
def send() -> None:
    """Send due e-invoices to their providers."""
    outbox.send_due()


@celery.task(name="einvoices.look_up")
def look_up() -> None:
    """Ask providers for the e-invoices whose sending was given up in doubt."""
    look_ups.look_up_due()


@celery.task(name="einvoices.end_archived")
def end_archived() -> int:
    """End the sendings that wait for archived accounts; returns their number."""
    return archived_work.give_up_archived()


@celery.task(name="einvoices.apply_callbacks")
def apply_callbacks() -> None:
    """Apply due callbacks of the simulator."""
    outbox.apply_due_callbacks()


@celery.task(name="einvoices.compact")
def compact() -> int:
    """Compact the tallies and remove what is kept for minutes; returns the number of rows that were merged."""
    with unit_of_work():
        callbacks.purge()
        request_queue.purge()
    return tallies.compact()
