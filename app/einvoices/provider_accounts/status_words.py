"""Mapping of a provider's words to the own status of an e-invoice."""

from __future__ import annotations

from collections.abc import Mapping

from app.einvoices.events import STATUS_CHANGED, emit_and_record
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.status import MAPPED_FROM, Status
from app.extensions import db

#: What ``"default"`` stands for; every other word leaves the own status alone.
DEFAULT_MAPPING: Mapping[str, str] = {"accepted": Status.ACCEPTED.value, "rejected": Status.REJECTED.value}


def mapping_of(einvoice: Einvoice) -> Mapping[str, str] | None:
    """The mapping of the account of an e-invoice; None without an account or without a mapping."""
    if einvoice.provider_account_id is None:
        return None
    mapping: Mapping[str, str] | None = db.session.get_one(ProviderAccount, einvoice.provider_account_id).mapping
    return mapping


def apply(einvoice: Einvoice) -> bool:
    """Set the own status that the present word of the provider stands for; return whether it changed.

    ``MAPPED_FROM`` names the statuses from which it can change. An e-invoice whose correction took its place keeps its
    status: otherwise a sale would be in force twice. A refunded sale stays refunded, and gets the status when its
    credits end.
    """
    mapping = mapping_of(einvoice)
    target = (mapping or {}).get((einvoice.provider_status or "").lower())
    if target is None or einvoice.corrected_by_id is not None:
        return False
    is_refunded = einvoice.status == Status.REFUNDED
    present = einvoice.refunded_from if is_refunded else einvoice.status
    if present is None or present not in MAPPED_FROM[Status(target)]:
        return False
    setattr(einvoice, "refunded_from" if is_refunded else "status", target)
    emit_and_record(STATUS_CHANGED, einvoice, before=present, after=target)
    return True
