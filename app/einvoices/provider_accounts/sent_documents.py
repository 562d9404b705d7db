"""Legal documents of sendings: whether they can be made, and the worker that writes them before anything is sent."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import select, text, update

from app.einvoices.documents import legal_documents
from app.einvoices.documents.field_names import api_field, nested
from app.einvoices.documents.frozen_forms import canonical_of
from app.einvoices.documents.profile_findings import PROFILES_OF_FORMATS
from app.einvoices.errors import DocumentNotSendable, NoLegalDocument
from app.einvoices.models.documents import EinvoiceDocument
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import UNWRITTEN, EinvoiceSending
from app.einvoices.providers import outcomes, sendings
from app.einvoices.providers.contract import MAX_DOCUMENT_BYTES
from app.einvoices.queries.lookup import find_for_update
from app.extensions import db
from app.formats.legal_format import LegalFormat
from app.formats.targets.not_writable import NotWritable
from app.kernel import clock
from app.kernel.messages import N_
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState
from app.rules.findings import Severity
from app.rules.readiness.profile_gaps import find_gaps

log = structlog.get_logger(__name__)
TOO_LARGE = N_("The legal document is too large to be sent.")
NOT_WRITABLE = N_("The e-invoice cannot be written in the legal format of its provider account.")
#: A document is tried again after the age of its sending, within these bounds; one that failed before is given up when
#: its sending is older than the last one.
_SHORTEST, _LONGEST, _GIVEN_UP = timedelta(seconds=30), timedelta(minutes=20), timedelta(hours=2)
#: A worker that was killed holds a document so long at least; a long one is printed in less.
_LEASE = timedelta(minutes=3)
#: Seconds in which a run begins further documents.
_RUN_SECONDS = 60.0
_IS_UNWRITTEN = text(UNWRITTEN)


@dataclass(frozen=True, slots=True)
class _Claim:
    id: int
    einvoice_id: int
    lane_id: int
    format: LegalFormat
    wait: timedelta
    is_last: bool
    #: Whether it is over, and the worker of the last try was killed.
    is_lost: bool


def require_document(einvoice: Einvoice) -> None:
    """Refuse to queue an issued e-invoice whose provider account wants a document that it is not ready for.

    Raises:
        DocumentNotSendable: the errors name the fields.
    """
    wanted = sendings.wanted_format(einvoice)
    if wanted is None:
        return
    form, errors = canonical_of(einvoice), dict[str, list[str]]()
    for each in find_gaps(form, PROFILES_OF_FORMATS[LegalFormat(wanted)][0]):
        if each.severity is Severity.ERROR:
            errors.setdefault(api_field(each.field or ""), []).append(each.message)
    for problem in legal_documents.problems_of(form, LegalFormat(wanted)):
        texts = errors.setdefault(api_field(problem["field"]), [])
        texts += [] if problem["message"] in texts else [problem["message"]]
    if errors:
        raise DocumentNotSendable(wanted, nested(errors))


def write_due() -> bool:
    """Write the documents that sendings wait for; whether some are left when the time of the run is over.

    Accounts take turns, so that none waits for all documents of another one.
    """
    ends_at, served = time.monotonic() + _RUN_SECONDS, set[int]()
    while time.monotonic() < ends_at:
        with unit_of_work():
            claim = _claim_next(served) or _claim_next(())
        if claim is None:
            return False
        served = {claim.lane_id} if claim.lane_id in served else {*served, claim.lane_id}
        _perform(claim)
    return True


def _claim_next(served: Collection[int]) -> _Claim | None:
    """The next sending without its document; it is due again later, also when this worker is killed by it.

    Args:
        served: accounts that have had their turn.
    """
    moment, others = clock.now(), EinvoiceSending.lane_id.not_in(served)
    query = select(EinvoiceSending).where(_IS_UNWRITTEN, work_queue.is_due(EinvoiceSending, moment), others)
    first = query.order_by(EinvoiceSending.due_at).limit(1).with_for_update(skip_locked=True)
    row = db.session.scalar(first.execution_options(populate_existing=True))
    if row is None or row.document_format is None:
        return None
    age, error = moment - row.created_at, row.error
    wait, is_last = min(max(age, _SHORTEST), _LONGEST), age > _GIVEN_UP and error is not None
    row.due_at, row.error = moment + max(wait, _LEASE), work_queue.WORKER_LOST  # until there is a result
    is_lost = is_last and error == work_queue.WORKER_LOST
    return _Claim(row.id, row.einvoice_id, row.lane_id, LegalFormat(row.document_format), wait, is_last, is_lost)


def _perform(claim: _Claim) -> None:
    if claim.is_lost:
        _give_up(claim, work_queue.WORKER_LOST)
        return
    try:
        document_id = legal_documents.write(claim.einvoice_id, claim.format)
    except (NotWritable, NoLegalDocument) as error:
        log.warning("sent_document_not_written", einvoice=claim.einvoice_id, error=str(error))
        _give_up(claim, NOT_WRITABLE)
    except Exception as error:
        log.exception("sent_document_not_written", einvoice=claim.einvoice_id)
        _record_failure(claim, f"{type(error).__name__}: {error}"[: work_queue.MAX_ERROR_LENGTH])
    else:
        _attach(claim, document_id)


def _record_failure(claim: _Claim, reason: str) -> None:
    if claim.is_last:
        _give_up(claim, reason)
        return
    with unit_of_work():
        waiting = update(EinvoiceSending).where(EinvoiceSending.id == claim.id, _IS_UNWRITTEN)
        db.session.execute(waiting.values(error=reason, due_at=clock.now() + claim.wait))


def _attach(claim: _Claim, document_id: int) -> None:
    """Give the sending its document, so that it is sent; one that ended meanwhile stays as it is."""
    with unit_of_work():
        size = db.session.get_one(EinvoiceDocument, document_id).size
    if size > MAX_DOCUMENT_BYTES:
        _give_up(claim, TOO_LARGE)
        return
    with unit_of_work():
        waiting = update(EinvoiceSending).where(EinvoiceSending.id == claim.id, _IS_UNWRITTEN)
        db.session.execute(waiting.values(document_id=document_id, due_at=clock.now(), error=None))
    sendings.trigger_sender()


def _give_up(claim: _Claim, reason: str) -> None:
    with unit_of_work():
        einvoice = find_for_update(claim.einvoice_id, None)  # lock order: the e-invoice first
        query = select(EinvoiceSending).where(EinvoiceSending.id == claim.id, _IS_UNWRITTEN)
        row = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
        if row is None:
            return
        row.state, row.error, row.finished_at = WorkState.FAILED.value, reason, clock.now()
        outcomes.record_given_up(einvoice, reason, in_doubt=row.in_doubt)
