"""A provider's word: written down whenever it comes, and believed unless something newer is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.accounts.ownership import Scope
from app.einvoices.events import STATUS_CHANGED, emit, record
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.kernel import clock

RECORDED = "provider_status_updated"


def report(einvoice_id: int, data: Mapping[str, Any], scope: Scope) -> Einvoice:
    """Take what a provider says about an e-invoice; the e-invoice's own status stays.

    What is older than the stored word (by ``occurred_at``), and what only repeats it, is recorded and changes nothing.

    Raises:
        UnknownEinvoice: there is none, or not for this caller.
    """
    einvoice = find_for_update(einvoice_id, scope)
    # A clock that runs ahead would otherwise make everything after it look late.
    moment = min(data.get("occurred_at") or clock.now(), clock.now())
    late, repeated = _is_late(einvoice, data), _is_repeated(einvoice, data)
    applied = not late and not repeated
    if not late:
        # A repeat says that it still is so: what was true in between, and comes later, is old.
        einvoice.provider_status_at = max(moment, einvoice.provider_status_at or moment)
    if applied:
        einvoice.provider_status = data["provider_status"]
        if data.get("provider_invoice_id") is not None:
            einvoice.provider_invoice_id = data["provider_invoice_id"]
    einvoice.updated_at = change_clock.stamp()
    said = {name: data.get(name) for name in ("provider_status", "provider_invoice_id", "raw")}
    record(einvoice, RECORDED, **said, occurred_at=clock.iso(moment), applied=applied)
    if applied:
        emit(STATUS_CHANGED, einvoice)
    return einvoice


def _is_late(einvoice: Einvoice, data: Mapping[str, Any]) -> bool:
    known, said = einvoice.provider_status_at, data.get("occurred_at")
    return known is not None and said is not None and said < known


def _is_repeated(einvoice: Einvoice, data: Mapping[str, Any]) -> bool:
    number = data.get("provider_invoice_id")
    same_number = number is None or number == einvoice.provider_invoice_id
    return (
        einvoice.provider_status_at is not None and same_number and einvoice.provider_status == data["provider_status"]
    )
