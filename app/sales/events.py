"""Events of sales, and the short frame before a review or an update on the live stream."""

from __future__ import annotations

from typing import Any

from app import events
from app.sales.schemas.invoices import InvoiceSchema

_KEY = "invoice"
_ABILITY = "sales:read"


def _short(frame: str, invoice: dict[str, Any], **more: Any) -> events.Notice:
    kept = {name: invoice[name] for name in ("invoice_no", "status", "billing_status")}
    return frame, {"type": frame, **kept, "timestamp": invoice["updated_at"], **more}


def _review(invoice: dict[str, Any]) -> events.Notice:
    returned = invoice["return_info"]
    return _short(
        "invoice_review",
        invoice,
        sent_by=returned["returned_by"],
        review_reason=returned["return_reason"],
        returned_from_section=returned["returned_from_section"],
    )


def _updated(invoice: dict[str, Any]) -> events.Notice:
    return _short("invoice_updated", invoice)


IMPORTED = events.define(
    "sales.imported", InvoiceSchema, "An invoice was imported from the ERP.", key=_KEY, ability=_ABILITY
)
UPDATED = events.define(
    "sales.updated",
    InvoiceSchema,
    "An invoice in review was corrected and goes on.",
    key=_KEY,
    ability=_ABILITY,
    notice=_updated,
)
REVIEW = events.define(
    "sales.review",
    InvoiceSchema,
    "An invoice was sent back to billing for review.",
    key=_KEY,
    ability=_ABILITY,
    notice=_review,
)
STATUS_CHANGED = events.define(
    "sales.status_changed",
    InvoiceSchema,
    "A step of the floor was taken: picking, packing, boxing, delivery, a cancelled session, a hold or its release.",
    key=_KEY,
    ability=_ABILITY,
)
