"""History of an invoice: one entry for each step; the last entry has the present state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.accounts import audit
from app.extensions import db
from app.kernel import clock
from app.kernel.pagination.keyset import Order, Page, page_by_keyset
from app.sales.models.floor import HistoryEntry
from app.sales.models.invoices import SalesInvoice
from app.sales.queries.lookup import find
from app.sales.state_machine import Status

IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of a step: name, user id (none for an API key), role, and credential as the audit trail names it."""

    name: str
    user_id: int | None = None
    role: str | None = None
    credential: str = "system"


def record(
    invoice: SalesInvoice,
    step: str,
    before: str,
    actor: Actor,
    *,
    note: str = "",
    worker: tuple[int, str] | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry for a step, and its row of the audit trail; ``before`` is the status before the step."""
    audit.record(
        f"sales_invoice.{step}",
        actor=actor.credential,
        subject=f"sales_invoice:{invoice.id}",
        invoice_no=invoice.invoice_no,
        before=before,
        after=invoice.status,
    )
    db.session.add(
        HistoryEntry(
            invoice_id=invoice.id,
            step=step,
            from_status=before,
            to_status=invoice.status,
            actor=actor.name,
            actor_id=actor.user_id,
            worker_id=worker[0] if worker else None,
            worker=worker[1] if worker else None,
            note=note,
            details=dict(details or {}),
            at=clock.now(),
        )
    )


def find_history(invoice_id: int, paging: Mapping[str, Any]) -> Page:
    """The steps of an invoice, oldest first. The first page begins with the import, which has no entry of its own.

    Raises:
        UnknownInvoice: there is none.
    """
    invoice = find(invoice_id)
    query = select(HistoryEntry).where(HistoryEntry.invoice_id == invoice.id)
    page = page_by_keyset(query, Order((HistoryEntry.id,)), paging)
    if not paging["cursor"]:
        page.results.insert(0, _imported(invoice))
    return page


def _imported(invoice: SalesInvoice) -> dict[str, Any]:
    return {
        "id": 0,
        "step": IMPORTED,
        "from_status": None,
        "to_status": Status.INVOICED.value,
        "actor": invoice.created_by,
        "actor_id": invoice.created_user_id,
        "worker": None,
        "worker_id": None,
        "note": "",
        "details": {},
        "at": invoice.created_at,
    }
