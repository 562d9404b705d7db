"""Steps of an e-invoice: the statuses in which each step is allowed; for the services, the pages and the docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, not_

from app.einvoices.errors import AlreadyCorrected, NotCreditable, WrongState
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.provider_accounts import status_words
from app.einvoices.status import Status, Type, is_rejected, took_rejection_back


@dataclass(frozen=True, slots=True)
class Step:
    """What an e-invoice must be so that the step is allowed.

    Attributes:
        verb: the step in a refusal: "cannot be sent".
        statuses: the own statuses of the e-invoice.
        after_rejection: also allowed for a sent or accepted e-invoice when the provider said that it rejects it.
        after_acceptance: also allowed for a rejected e-invoice when the provider then said that it accepts it. Then no
            other step is allowed.
        unless_taken: not for an issued e-invoice of which the provider said that it accepts it.
        sales_only: not for returns and credit notes.
    """

    verb: str
    statuses: frozenset[Status]
    after_rejection: bool = False
    after_acceptance: bool = False
    unless_taken: bool = False
    sales_only: bool = False


_S = Status
STEPS: Mapping[str, Step] = {
    "change": Step("changed", frozenset({_S.DRAFT})),
    "issue": Step("issued", frozenset({_S.DRAFT})),
    "send": Step("sent", frozenset({_S.ISSUED, _S.REJECTED})),
    "correct": Step("corrected", frozenset({_S.REJECTED}), after_rejection=True),
    "cancel": Step("cancelled", frozenset({_S.DRAFT, _S.ISSUED, _S.REJECTED}), after_rejection=True, unless_taken=True),
    "credit": Step("credited", frozenset({_S.ISSUED, _S.SENT, _S.ACCEPTED}), after_acceptance=True, sales_only=True),
}


def is_allowed(name: str, einvoice: Einvoice) -> bool:
    """Whether a step is allowed for an e-invoice as it is."""
    step = STEPS[name]
    if einvoice.corrected_by_id is not None or (step.sales_only and einvoice.type != Type.SALE):
        return False
    return is_possible(step, einvoice)


def is_possible(step: Step, einvoice: Einvoice) -> bool:
    """Whether the statuses of an e-invoice, its own and the provider's, allow a step."""
    status, meaning = einvoice.status, status_words.meaning_of(einvoice)
    if took_rejection_back(status, meaning):
        return step.after_acceptance
    if step.unless_taken and (status, meaning) == (Status.ISSUED, Status.ACCEPTED):
        return False
    return status in step.statuses or (step.after_rejection and is_rejected(status, meaning))


def may_be_sent() -> ColumnElement[bool]:
    """Condition: the e-invoice may be sent, as ``is_allowed`` says of a single one."""
    was_taken_back = and_(Einvoice.status == Status.REJECTED, status_words.meaning() == Status.ACCEPTED)
    return and_(Einvoice.status.in_(STEPS["send"].statuses), Einvoice.corrected_by_id.is_(None), not_(was_taken_back))


def require(name: str, einvoice: Einvoice) -> None:
    """Refuse a step that is not allowed.

    Raises:
        NotCreditable: the step is for sales only.
        AlreadyCorrected: a correction took the place of the e-invoice.
        WrongState: the status does not allow the step.
    """
    if is_allowed(name, einvoice):
        return
    if STEPS[name].sales_only and einvoice.type != Type.SALE:
        raise NotCreditable
    if einvoice.corrected_by_id is not None:
        raise AlreadyCorrected(einvoice.corrected_by_id)
    raise wrong_state(STEPS[name].verb, einvoice)


def wrong_state(verb: str, einvoice: Einvoice) -> WrongState:
    """The refusal of what the status does not allow; it names the steps that the status allows."""
    return WrongState(
        verb, einvoice.status, {name: step.verb for name, step in STEPS.items() if is_allowed(name, einvoice)}
    )
