"""Status reports of providers: every report is recorded; it is applied unless a newer status is stored.

A report settles a sending in doubt: the provider has the e-invoice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.accounts import audit
from app.accounts.ownership import Scope
from app.einvoices.decisions import decision_checks
from app.einvoices.events import NEEDS_ATTENTION, STATUS_CHANGED, emit, record
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.provider_accounts import status_words
from app.einvoices.providers import lanes
from app.einvoices.providers.doubt import settle_by_report
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.kernel import clock
from app.kernel.messages import N_

RECORDED, ACCEPTED_LATE = "provider_status_updated", "accepted_late"
LATE = N_("The provider accepted the e-invoice after it was cancelled or corrected.")
#: Who says so, in the audit trail.
ACTOR = "invoice-hub"


def report(
    einvoice_id: int, data: Mapping[str, Any], scope: Scope, *, account: ProviderAccount | None = None
) -> Einvoice:
    """Record a provider's status for an e-invoice, and apply it.

    The own status changes as the mapping of the provider account says; without one it does not change. Only an issued
    e-invoice that was sent becomes ``sent``: the provider has it.
    A report that is older than the stored status (by ``occurred_at``), or that repeats it, is recorded only. So is one
    of an earlier account, whose provider the e-invoice left for another: the present provider's word counts.

    Args:
        account: the account whose provider reports, if that is known.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
    """
    einvoice = find_for_update(einvoice_id, scope)
    # A provider's clock may run ahead; a moment in the future would make all later reports look late.
    moment = min(data.get("occurred_at") or clock.now(), clock.now())
    is_earlier = account is not None and account.id != einvoice.provider_account_id
    late, repeated = is_earlier or _is_late(einvoice, data), _is_repeated(einvoice, data)
    applied = not late and not repeated
    if not late:
        # A repeat confirms the status until now: a report about a moment in between that arrives later is late.
        einvoice.provider_status_at = max(moment, einvoice.provider_status_at or moment)
    if applied:
        einvoice.provider_status = data["provider_status"]
        if data.get("provider_invoice_id"):
            einvoice.provider_invoice_id = data["provider_invoice_id"]
    einvoice.updated_at = change_clock.stamp()
    facts = {name: data.get(name) for name in ("provider_status", "provider_invoice_id", "raw")}
    if is_earlier and account is not None:
        facts["earlier_account"] = account.name
    record(einvoice, RECORDED, **facts, occurred_at=clock.iso(moment), applied=applied)
    if not late:
        settle_by_report(einvoice)
    if applied:
        _apply(einvoice)
    decision_checks.hear_report(einvoice, account.id if account else einvoice.provider_account_id or lanes.INSTALLATION)
    return einvoice


def _apply(einvoice: Einvoice) -> None:
    """Apply the new word of the provider; tell people if it accepts what was cancelled or corrected."""
    if status_words.apply(einvoice):
        return
    emit(STATUS_CHANGED, einvoice)
    if not status_words.is_accepted_late(einvoice):
        return
    record(einvoice, ACCEPTED_LATE, reason=LATE)
    audit.record(f"einvoice.{ACCEPTED_LATE}", actor=ACTOR, subject=f"einvoice:{einvoice.id}", reason=LATE)
    emit(NEEDS_ATTENTION, einvoice, attention={"problem": ACCEPTED_LATE, "reason": LATE})


def _is_late(einvoice: Einvoice, data: Mapping[str, Any]) -> bool:
    stored, reported = einvoice.provider_status_at, data.get("occurred_at")
    return stored is not None and reported is not None and reported < stored


def _is_repeated(einvoice: Einvoice, data: Mapping[str, Any]) -> bool:
    number = data.get("provider_invoice_id")
    same_number = not number or number == einvoice.provider_invoice_id
    return (
        einvoice.provider_status_at is not None and same_number and einvoice.provider_status == data["provider_status"]
    )
