"""Mapping of a provider's words to the own status of an e-invoice."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Boolean, ColumnElement, String, and_, func, literal_column, not_, select

from app.einvoices import status
from app.einvoices.events import STATUS_CHANGED, emit_and_record
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.index_expressions import ENDED_AFTER_ANSWER
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.status import MAPPED_FROM, TURKISH_I, Status
from app.extensions import db

#: What ``"default"`` stands for; every other word leaves the own status alone.
DEFAULT_MAPPING: Mapping[str, str] = {"accepted": Status.ACCEPTED.value, "rejected": Status.REJECTED.value}


def mapping_of(einvoice: Einvoice) -> Mapping[str, str] | None:
    """The mapping of the account of an e-invoice; None without an account or without a mapping."""
    if einvoice.provider_account_id is None:
        return None
    mapping: Mapping[str, str] | None = db.session.get_one(ProviderAccount, einvoice.provider_account_id).mapping
    return mapping


def meaning_of(einvoice: Einvoice) -> str | None:
    """The status that the present word of the provider stands for; None: it stands for none."""
    return status.meaning_of(einvoice.provider_status, mapping_of(einvoice))


def is_rejected_still(einvoice: Einvoice) -> bool:
    """Whether the provider rejected it, and its present word says so: the rejection may be the one that is known."""
    return einvoice.status == Status.REJECTED and meaning_of(einvoice) == Status.REJECTED


def meaning() -> ColumnElement[str]:
    """``meaning_of`` in SQL; a word that stands for no status is itself, or empty."""
    said = func.coalesce(Einvoice.provider_status, "")
    word = func.lower(func.translate(said, *TURKISH_I))  # ``status.word_key`` in SQL
    mapped = func.coalesce(ProviderAccount.mapping.op("->>", return_type=String())(word), "")
    with_mapping = ProviderAccount.id == Einvoice.provider_account_id, ProviderAccount.mapping.is_not(None)
    return func.coalesce(select(mapped).where(*with_mapping).correlate(Einvoice).scalar_subquery(), word)


def is_accepted_late(einvoice: Einvoice) -> bool:
    """Whether the provider accepted an e-invoice that was cancelled, or that a correction took the place of."""
    is_ended = einvoice.status == Status.CANCELLED or einvoice.corrected_by_id is not None
    is_known = einvoice.number is not None and einvoice.provider_status_at is not None
    return is_ended and is_known and meaning_of(einvoice) == Status.ACCEPTED


def accepted_late() -> ColumnElement[bool]:
    """``is_accepted_late`` in SQL."""
    return and_(literal_column(f"({ENDED_AFTER_ANSWER})", Boolean()), meaning() == Status.ACCEPTED)


def is_not_rejected() -> ColumnElement[bool]:
    """Condition: the provider did not reject the e-invoice; ``status.is_rejected`` in SQL."""
    is_rejected_later = and_(Einvoice.status.in_((Status.SENT, Status.ACCEPTED)), meaning() == Status.REJECTED)
    return and_(Einvoice.status != Status.REJECTED, not_(is_rejected_later))


def apply(einvoice: Einvoice) -> bool:
    """Set the own status that the present word of the provider stands for; return whether it changed.

    ``MAPPED_FROM`` names the statuses from which it can change. An e-invoice whose correction took its place keeps its
    status: otherwise a sale would be in force twice. A refunded sale stays refunded, and gets the status when its
    credits end.
    """
    mapping = mapping_of(einvoice)
    target = status.meaning_of(einvoice.provider_status, mapping or {})
    if target is None or einvoice.corrected_by_id is not None:
        return False
    is_refunded = einvoice.status == Status.REFUNDED
    present = einvoice.refunded_from if is_refunded else einvoice.status
    if present is None or present not in MAPPED_FROM[Status(target)]:
        return False
    setattr(einvoice, "refunded_from" if is_refunded else "status", target)
    emit_and_record(STATUS_CHANGED, einvoice, before=present, after=target)
    return True
