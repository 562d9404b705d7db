"""E-invoices that need a person (rejected, not sent, in doubt …): conditions, and the status for people."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from app.einvoices.lifecycle.allowed_steps import may_be_sent
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import CheckState, EinvoiceSending
from app.einvoices.provider_accounts import status_words
from app.einvoices.status import OwnWord, Status, is_rejected, took_rejection_back
from app.kernel.worker.work_queue import WorkState

# States and statuses are literals: with parameters the planner finds no partial index, and the plan that PostgreSQL
# keeps for any parameter expects as many rejected e-invoices as accepted ones.


def _rejected() -> ColumnElement[bool]:
    is_sent = Einvoice.status.in_([literal_of(Status.SENT), literal_of(Status.ACCEPTED)])  # as ``REJECTED_LATER``
    says_rejected = func.lower(Einvoice.provider_status) == literal_of(Status.REJECTED)
    later = and_(is_sent, says_rejected, status_words.meaning() == Status.REJECTED)
    at_once = and_(Einvoice.status == literal_of(Status.REJECTED), status_words.meaning() != Status.ACCEPTED)
    return and_(Einvoice.corrected_by_id.is_(None), or_(at_once, later))


def literal_of(value: StrEnum) -> ColumnElement[str]:
    """A value that stands in the text of the statement."""
    return literal(value.value, literal_execute=True)


def _not_sent() -> ColumnElement[bool]:
    later = aliased(EinvoiceSending)
    failed = select(EinvoiceSending.einvoice_id).where(
        EinvoiceSending.state == literal_of(WorkState.FAILED),
        ~EinvoiceSending.in_doubt,
        ~exists().where(later.einvoice_id == EinvoiceSending.einvoice_id, later.id > EinvoiceSending.id),
    )
    return and_(Einvoice.id.in_(failed), may_be_sent())


def _in_doubt() -> ColumnElement[bool]:
    doubtful = select(EinvoiceSending.einvoice_id).where(
        EinvoiceSending.state == literal_of(WorkState.FAILED), EinvoiceSending.in_doubt
    )
    return Einvoice.id.in_(doubtful)


def _disputed(state: CheckState) -> ColumnElement[bool]:
    disputed = select(EinvoiceSending.einvoice_id).where(EinvoiceSending.check_state == literal_of(state))
    return Einvoice.id.in_(disputed)


#: Problem -> its condition.
PROBLEMS: Mapping[str, Callable[[], ColumnElement[bool]]] = {
    "rejected": _rejected,
    "not_sent": _not_sent,
    "in_doubt": _in_doubt,
    "contradicted": functools.partial(_disputed, CheckState.CONTRADICTED),
    "accepted_late": status_words.accepted_late,
    "unconfirmed": functools.partial(_disputed, CheckState.UNCONFIRMED),
}


def shown_status(einvoice: Einvoice) -> str:
    """The status for people: the own one, unless the provider's word says something worse or newer."""
    if einvoice.provider_status in {OwnWord.IN_DOUBT, OwnWord.FAILED} and einvoice.status != Status.CANCELLED:
        return f"provider_status.{einvoice.provider_status}"
    meaning = status_words.meaning_of(einvoice)
    if is_rejected(einvoice.status, meaning):
        return Status.REJECTED.value
    return Status.ACCEPTED.value if took_rejection_back(einvoice.status, meaning) else einvoice.status
