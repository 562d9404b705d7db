"""Sendings of an e-invoice: queue one under the key of its content, find an open one."""

from __future__ import annotations

import uuid
from datetime import UTC

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from app.einvoices.errors import AccountInDoubt, AlreadySending, InDoubt
from app.einvoices.models.documents import EinvoiceDocument
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import CheckState, EinvoiceSending
from app.einvoices.providers import lanes, lockouts
from app.einvoices.status import OwnWord
from app.extensions import db
from app.kernel import clock, json
from app.kernel.unit_of_work import after_commit
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState

#: Name space of the keys; another one would make all keys new.
_KEYS = uuid.UUID("4be0a8a1-6f3f-5d0c-9d5e-0c5b7c1c2f10")
#: E-invoices in doubt that a refusal names.
_MAX_NAMED = 10
WITHDRAWN = "It was withdrawn before it was sent."
trigger_sender = DebouncedTask("einvoices.send")
trigger_writer = DebouncedTask("einvoices.write_sent_documents")


def queue(einvoice: Einvoice) -> None:
    """Queue a sending; a worker performs it.

    The content does not change after the issue, so every sending of an e-invoice has the same idempotency key: a
    provider that stored it, and whose answer was lost, recognises the repeat. A sending that was given up in doubt
    continues, and stays in doubt. So does a further sending of an e-invoice that the provider has: it would answer a
    repeat as it did the first time, and its look-up has its present word. Both keep their legal document.
    """
    row, lane_id = find_doubtful(einvoice), einvoice.provider_account_id or lanes.INSTALLATION
    lanes.ensure(lane_id)
    _end_checks(einvoice, lane_id)
    if row is None:
        row = _new_sending(einvoice, lane_id)
        db.session.add(row)
    else:
        for name, value in work_queue.reset_values().items():
            setattr(row, name, value)
    lacks = row.document_format is not None and row.document_id is None
    after_commit(trigger_writer if lacks else trigger_sender)


def wanted_format(einvoice: Einvoice) -> str | None:
    """The legal format in which a new sending needs a document; one that the provider may have needs no other."""
    account = einvoice.provider_account
    if account is None or find_doubtful(einvoice) is not None or _find_taken(einvoice, account.id) is not None:
        return None
    return account.document_format


def lacks_document() -> ColumnElement[bool]:
    """Condition: the legal document of the sending is not written yet."""
    return and_(EinvoiceSending.document_format.is_not(None), EinvoiceSending.document_id.is_(None))


def has_document_over(size: int) -> ColumnElement[bool]:
    """Condition: the legal document of the sending has more bytes than that."""
    return exists().where(EinvoiceDocument.id == EinvoiceSending.document_id, EinvoiceDocument.size > size)


def is_doubtful() -> ColumnElement[bool]:
    """Condition: the sending was given up, and nobody knows whether the provider has the e-invoice."""
    return and_(EinvoiceSending.state == WorkState.FAILED, EinvoiceSending.in_doubt)


def is_disputed() -> ColumnElement[bool]:
    """Condition: the provider contradicted the decision of a person, or it could not be checked."""
    return EinvoiceSending.check_state.in_([CheckState.CONTRADICTED.value, CheckState.UNCONFIRMED.value])


def find_doubtful(einvoice: Einvoice) -> EinvoiceSending | None:
    """The sending of an e-invoice in doubt that was given up, or that goes on only when a person does something."""
    waits = and_(_waits_for_person(), EinvoiceSending.in_doubt)
    query = select(EinvoiceSending).where(EinvoiceSending.einvoice_id == einvoice.id, or_(is_doubtful(), waits))
    found: EinvoiceSending | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def is_attempted() -> ColumnElement[bool]:
    """Condition: a worker has begun to send the e-invoice; a sending that continues a doubt has no attempts yet."""
    return or_(EinvoiceSending.attempts > 0, EinvoiceSending.in_doubt)


def was_attempted(einvoice: Einvoice, waiting: EinvoiceSending | None) -> bool:
    """Whether a worker has begun to send the e-invoice through its present account.

    Args:
        waiting: a sending that waits; unless it is in doubt, its attempts stored nothing and do not count.
    """
    attempted = select(EinvoiceSending.id).where(
        EinvoiceSending.einvoice_id == einvoice.id,
        EinvoiceSending.lane_id == (einvoice.provider_account_id or lanes.INSTALLATION),
        is_attempted(),
    )
    if waiting is not None and not waiting.in_doubt:
        attempted = attempted.where(EinvoiceSending.id != waiting.id)
    return db.session.scalar(attempted.limit(1)) is not None


def is_being_sent(einvoice: Einvoice) -> bool:
    """Whether a sending to the provider is pending."""
    pending = select(EinvoiceSending.id).where(
        EinvoiceSending.einvoice_id == einvoice.id, EinvoiceSending.state == WorkState.PENDING
    )
    return db.session.scalar(pending) is not None


def is_open(einvoice: Einvoice) -> bool:
    """Whether a sending to the provider is pending or was given up in doubt."""
    return is_being_sent(einvoice) or find_doubtful(einvoice) is not None


def require_no_doubt(einvoice: Einvoice) -> None:
    """Refuse a step that must not happen while the provider may have the e-invoice.

    Raises:
        InDoubt: a sending was given up in doubt.
    """
    if find_doubtful(einvoice) is not None:
        raise InDoubt


def require_no_doubt_of_lane(lane_id: int) -> None:
    """Refuse to change where a lane sends to while its provider may have e-invoices without an answer.

    Raises:
        AccountInDoubt: a sending that is made, that waits or that was given up is in doubt.
    """
    lanes.lock(lane_id)  # a sender sets the doubt and reads the address while it holds this lock
    doubtful = select(EinvoiceSending.einvoice_id).where(
        EinvoiceSending.lane_id == lane_id, EinvoiceSending.in_doubt, EinvoiceSending.state != WorkState.DONE
    )
    ids = db.session.scalars(doubtful.order_by(EinvoiceSending.einvoice_id).limit(_MAX_NAMED)).all()
    if ids:
        raise AccountInDoubt(ids)


def require_not_sending(einvoice: Einvoice) -> None:
    """Refuse a step that must not happen while the provider may get the e-invoice.

    A sending that waits for a person and never reached the provider is no hindrance: see ``withdraw``.

    Raises:
        AlreadySending: a sending to the provider is pending.
    """
    if is_being_sent(einvoice) and _find_waiting(einvoice) is None:
        raise AlreadySending


def withdraw(einvoice: Einvoice) -> None:
    """End a sending that waits for a person and never reached the provider, if there is one.

    Raises:
        AlreadySending: a worker has begun to send it meanwhile.
    """
    row = _find_waiting(einvoice, lock=True)
    if row is None:
        require_not_sending(einvoice)
        return
    row.state, row.error, row.finished_at = WorkState.FAILED.value, WITHDRAWN, clock.now()
    if einvoice.provider_status == OwnWord.QUEUED:
        einvoice.provider_status = OwnWord.FAILED.value
    db.session.flush()


def _waits_for_person() -> ColumnElement[bool]:
    is_free = EinvoiceSending.claim_id.is_(None)
    return and_(EinvoiceSending.state == WorkState.PENDING, is_free, lockouts.waits_for_person())


def _find_waiting(einvoice: Einvoice, *, lock: bool = False) -> EinvoiceSending | None:
    query = select(EinvoiceSending).where(
        EinvoiceSending.einvoice_id == einvoice.id, _waits_for_person(), ~EinvoiceSending.in_doubt
    )
    query = query.with_for_update(of=EinvoiceSending) if lock else query
    found: EinvoiceSending | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def _new_sending(einvoice: Einvoice, lane_id: int) -> EinvoiceSending:
    """A sending with the legal format of its account; a repeat has that of the sending that the provider answered."""
    taken, account = _find_taken(einvoice, lane_id), einvoice.provider_account
    wanted = account.document_format if account else None
    return EinvoiceSending(
        einvoice_id=einvoice.id,
        # The previous release knows no such provider, so its workers send nothing to a wrong address.
        provider=f"account:{account.id}" if account else einvoice.provider,
        lane_id=lane_id,
        key=_key(einvoice),
        state=WorkState.PENDING.value,
        due_at=clock.now(),
        in_doubt=taken is not None,
        document_format=taken.document_format if taken else wanted,
        document_id=taken.document_id if taken else None,
    )


def _end_checks(einvoice: Einvoice, lane_id: int) -> None:
    """The provider is asked by the sending now; a decision about an earlier one needs no check any more."""
    checked = update(EinvoiceSending).where(
        EinvoiceSending.einvoice_id == einvoice.id,
        EinvoiceSending.lane_id == lane_id,
        EinvoiceSending.check_state.is_not(None),
    )
    db.session.execute(checked.values(check_state=None, claim_id=None))


def _find_taken(einvoice: Einvoice, lane_id: int) -> EinvoiceSending | None:
    """The last sending of the lane that the provider answered."""
    done = select(EinvoiceSending).where(
        EinvoiceSending.einvoice_id == einvoice.id,
        EinvoiceSending.lane_id == lane_id,
        EinvoiceSending.state == WorkState.DONE,
    )
    found: EinvoiceSending | None = db.session.scalar(done.order_by(EinvoiceSending.id.desc()).limit(1))
    return found


def _key(einvoice: Einvoice) -> uuid.UUID:
    earlier = select(EinvoiceSending.key).where(EinvoiceSending.einvoice_id == einvoice.id)
    known: uuid.UUID | None = db.session.scalar(earlier.order_by(EinvoiceSending.id).limit(1))
    if known is not None:
        return known
    # The same after a restore of a backup from before the sending, so that the provider recognises the repeat.
    seller = (einvoice.seller or {}).get("tax_id")
    issued_at = einvoice.issued_at and einvoice.issued_at.astimezone(UTC).isoformat()
    return uuid.uuid5(_KEYS, json.encode_text([seller, einvoice.invoice_no, einvoice.id, issued_at]))
