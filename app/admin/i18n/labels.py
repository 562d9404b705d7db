"""Labels and tones of codes (statuses, events, roles), and template filters for dates, amounts and quantities."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_babel import format_currency, format_date, format_datetime, format_decimal, lazy_gettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup

from app.kernel import clock

#: Code -> its label and its tone: plain, busy (in progress), good, warn (somebody must act) or bad.
LABELS: dict[str, tuple[LazyString, str]] = {
    "INVOICED": (lazy_gettext("Invoiced"), "plain"),
    "PICKING": (lazy_gettext("Picking"), "busy"),
    "PICKED": (lazy_gettext("Picked"), "busy"),
    "PACKING": (lazy_gettext("Packing"), "busy"),
    "BOXING": (lazy_gettext("Boxing"), "busy"),
    "PACKED": (lazy_gettext("Packed"), "busy"),
    "DISPATCHED": (lazy_gettext("Dispatched"), "busy"),
    "DELIVERED": (lazy_gettext("Delivered"), "good"),
    "REVIEW": (lazy_gettext("In review"), "warn"),
    "BILLED": (lazy_gettext("Billed"), "plain"),
    "RE_INVOICED": (lazy_gettext("Re-invoiced"), "plain"),
    "LOW": (lazy_gettext("Low"), "plain"),
    "MEDIUM": (lazy_gettext("Medium"), "plain"),
    "HIGH": (lazy_gettext("High"), "warn"),
    "picking.start": (lazy_gettext("Start picking"), "busy"),
    "picking.complete": (lazy_gettext("Complete picking"), "busy"),
    "picking.cancel": (lazy_gettext("Cancel picking"), "warn"),
    "packing.start": (lazy_gettext("Start packing"), "busy"),
    "packing.complete": (lazy_gettext("Complete packing"), "busy"),
    "boxing.complete": (lazy_gettext("Complete boxing"), "busy"),
    "packing.cancel": (lazy_gettext("Cancel packing"), "warn"),
    "delivery.direct": (lazy_gettext("Hand over to the customer"), "good"),
    "delivery.courier": (lazy_gettext("Hand over to a courier"), "good"),
    "delivery.internal": (lazy_gettext("Start delivery"), "busy"),
    "delivery.complete": (lazy_gettext("Complete delivery"), "good"),
    "delivery.cancel": (lazy_gettext("Cancel delivery"), "warn"),
    "billing.return": (lazy_gettext("Return to billing"), "warn"),
    "billing.correct": (lazy_gettext("Correction by billing"), "plain"),
    "hold": (lazy_gettext("Put on hold"), "warn"),
    "release": (lazy_gettext("Release"), "plain"),
    "imported": (lazy_gettext("Imported"), "plain"),
    "DIRECT": (lazy_gettext("Direct"), "plain"),
    "COURIER": (lazy_gettext("Courier"), "plain"),
    "INTERNAL": (lazy_gettext("Own driver"), "plain"),
    "DELIVERY": (lazy_gettext("Delivery"), "plain"),
    "label_count": (lazy_gettext("Boxes"), "plain"),
    "courier": (lazy_gettext("Courier"), "plain"),
    "tracking_no": (lazy_gettext("Tracking number"), "plain"),
    "driver_id": (lazy_gettext("Driver"), "plain"),
    "proof_note": (lazy_gettext("Proof of delivery"), "plain"),
    "reason": (lazy_gettext("Reason"), "plain"),
    "return_reason": (lazy_gettext("Reason"), "plain"),
    "section": (lazy_gettext("Section"), "plain"),
    "paper.note": (lazy_gettext("Goods receipt note"), "plain"),
    "paper.labels": (lazy_gettext("Roll labels"), "plain"),
    "meter": (lazy_gettext("m"), "plain"),
    "yard": (lazy_gettext("yd"), "plain"),
    "kilogram": (lazy_gettext("kg"), "plain"),
    "centimeter": (lazy_gettext("cm"), "plain"),
    "inch": (lazy_gettext("in"), "plain"),
    "IN": (lazy_gettext("In"), "good"),
    "OUT": (lazy_gettext("Out"), "plain"),
    "Association": (lazy_gettext("Association"), "plain"),
    "Sampling": (lazy_gettext("Sampling"), "plain"),
    "Write-Off": (lazy_gettext("Write-off"), "warn"),
    "Return-mill": (lazy_gettext("Return to the mill"), "plain"),
    "sales.imported": (lazy_gettext("Sales invoice imported"), "plain"),
    "sales.updated": (lazy_gettext("Sales invoice corrected"), "plain"),
    "sales.review": (lazy_gettext("Returned to billing"), "warn"),
    "sales.status_changed": (lazy_gettext("Sales invoice status changed"), "busy"),
    "grn.created": (lazy_gettext("Goods receipt created"), "plain"),
    "grn.updated": (lazy_gettext("Goods receipt changed"), "plain"),
    "grn.deleted": (lazy_gettext("Goods receipt deleted"), "bad"),
    "grn.associated": (lazy_gettext("Fabric ledger changed"), "plain"),
    "grn.inspected": (lazy_gettext("Roll inspected"), "plain"),
    "einvoice.created": (lazy_gettext("E-invoice drafted"), "plain"),
    "einvoice.issued": (lazy_gettext("E-invoice issued"), "busy"),
    "einvoice.sent": (lazy_gettext("E-invoice sent"), "busy"),
    "einvoice.status_changed": (lazy_gettext("E-invoice status changed"), "busy"),
    "einvoice.cancelled": (lazy_gettext("E-invoice cancelled"), "bad"),
    "einvoice.pdf_ready": (lazy_gettext("PDF created"), "good"),
    "einvoice.return_created": (lazy_gettext("Return drafted"), "warn"),
    "einvoice.credit_note_created": (lazy_gettext("Credit note drafted"), "warn"),
    "einvoice.return_drafted": (lazy_gettext("Return drafted"), "warn"),
    "einvoice.credit_note_drafted": (lazy_gettext("Credit note drafted"), "warn"),
    "einvoice.corrected": (lazy_gettext("Correction drafted"), "warn"),
    "einvoice.correction_cancelled": (lazy_gettext("Correction cancelled"), "warn"),
    "einvoice.changed": (lazy_gettext("Draft changed"), "plain"),
    "einvoice.queued": (lazy_gettext("Queued for the provider"), "busy"),
    "einvoice.not_sent": (lazy_gettext("Not accepted by the provider"), "bad"),
    "einvoice.in_doubt": (lazy_gettext("No clear answer from the provider: in doubt"), "warn"),
    "einvoice.doubt_settled": (lazy_gettext("Doubt settled"), "plain"),
    "einvoice.link_created": (lazy_gettext("Public link created"), "plain"),
    "einvoice.link_revoked": (lazy_gettext("Public link revoked"), "plain"),
    "einvoice.provider_status_updated": (lazy_gettext("Provider status"), "plain"),
    "webhook.test": (lazy_gettext("Webhook test"), "plain"),
    "enabled": (lazy_gettext("Enabled"), "good"),
    "disabled": (lazy_gettext("Disabled"), "warn"),
    "probing": (lazy_gettext("Testing"), "busy"),
    "token_ended": (lazy_gettext("Token ended"), "warn"),
    "paused": (lazy_gettext("Paused"), "warn"),
    "account.ready": (lazy_gettext("Ready"), "good"),
    "account.untested": (lazy_gettext("Not tested"), "warn"),
    "account.test_failed": (lazy_gettext("Test failed"), "bad"),
    "account.disabled": (lazy_gettext("Disabled"), "warn"),
    "account.archived": (lazy_gettext("Archived"), "plain"),
    "account.default": (lazy_gettext("Default"), "good"),
    "mode.live": (lazy_gettext("Live"), "good"),
    "mode.test": (lazy_gettext("Test"), "plain"),
    "delivery.pending": (lazy_gettext("Waiting"), "busy"),
    "delivery.delivered": (lazy_gettext("Delivered"), "good"),
    "delivery.failed": (lazy_gettext("Failed"), "bad"),
    "delivery.cancelled": (lazy_gettext("Cancelled"), "plain"),
    "attempt.delivered": (lazy_gettext("Delivered"), "good"),
    "attempt.failed": (lazy_gettext("Failed"), "bad"),
    "attempt.lost": (lazy_gettext("Lost"), "warn"),
    "trial.right": (lazy_gettext("Valid request"), "plain"),
    "trial.wrong_signature": (lazy_gettext("Forged signature"), "plain"),
    "trial.stale_timestamp": (lazy_gettext("Old timestamp"), "plain"),
    "trial.duplicate_id": (lazy_gettext("Repeated event"), "plain"),
    "trial.slow_request": (lazy_gettext("Slow request"), "plain"),
    "advice.right": (lazy_gettext("Respond to a correctly signed request with 2xx."), "plain"),
    "advice.wrong_signature": (lazy_gettext("Check the signature, and respond to a wrong one with 401."), "plain"),
    "advice.stale_timestamp": (lazy_gettext("Reject timestamps that are more than 300 seconds old."), "plain"),
    "advice.duplicate_id": (
        lazy_gettext("Respond to a repeated ID with 2xx, and do not process the event again."),
        "plain",
    ),
    "advice.slow_request": (lazy_gettext("Wait several seconds for a body that arrives slowly."), "plain"),
    "provider.null": (lazy_gettext("None (not sent)"), "plain"),
    "provider.http": (lazy_gettext("HTTP"), "plain"),
    "provider.simulator": (lazy_gettext("Simulator"), "plain"),
    "provider": (lazy_gettext("Provider"), "plain"),
    "provider_status": (lazy_gettext("Provider status"), "plain"),
    "provider_invoice_id": (lazy_gettext("Provider's invoice number"), "plain"),
    "invoice_no": (lazy_gettext("Number"), "plain"),
    "sales_invoice_no": (lazy_gettext("Sales invoice"), "plain"),
    "original_id": (lazy_gettext("Original invoice"), "plain"),
    "corrects_id": (lazy_gettext("Corrects"), "plain"),
    "corrected_by_id": (lazy_gettext("Corrected by"), "plain"),
    "einvoice_id": (lazy_gettext("E-invoice"), "plain"),
    "grand_total": (lazy_gettext("Total"), "plain"),
    "before": (lazy_gettext("Before"), "plain"),
    "after": (lazy_gettext("After"), "plain"),
    "error": (lazy_gettext("Error"), "bad"),
    "link_id": (lazy_gettext("Link"), "plain"),
    "expires_at": (lazy_gettext("Expires"), "plain"),
    "occurred_at": (lazy_gettext("Time"), "plain"),
    "applied": (lazy_gettext("Applied"), "plain"),
    "taken": (lazy_gettext("Taken by the provider"), "plain"),
    "looked_up": (lazy_gettext("Found by look-up"), "plain"),
    "earlier_account": (lazy_gettext("Earlier account"), "plain"),
    "provider_status.in_doubt": (lazy_gettext("In doubt"), "warn"),
    "draft": (lazy_gettext("Draft"), "plain"),
    "issued": (lazy_gettext("Issued"), "busy"),
    "sent": (lazy_gettext("Sent"), "busy"),
    "accepted": (lazy_gettext("Accepted"), "good"),
    "rejected": (lazy_gettext("Rejected"), "bad"),
    "cancelled": (lazy_gettext("Cancelled"), "bad"),
    "refunded": (lazy_gettext("Refunded"), "warn"),
    "verb.issued": (lazy_gettext("Issuing"), "plain"),
    "verb.sent": (lazy_gettext("Sending"), "plain"),
    "verb.cancelled": (lazy_gettext("Cancelling"), "plain"),
    "verb.corrected": (lazy_gettext("Correcting"), "plain"),
    "verb.credited": (lazy_gettext("Crediting"), "plain"),
    "verb.changed": (lazy_gettext("Changing"), "plain"),
    "verb.linked": (lazy_gettext("Linking"), "plain"),
    "verb.printed": (lazy_gettext("Printing"), "plain"),
    "sale": (lazy_gettext("Sale"), "plain"),
    "return": (lazy_gettext("Return"), "plain"),
    "credit_note": (lazy_gettext("Credit note"), "plain"),
    "admin": (lazy_gettext("Administrator"), "plain"),
    "billing": (lazy_gettext("Billing"), "plain"),
    "warehouse": (lazy_gettext("Warehouse"), "plain"),
    "integrator": (lazy_gettext("Integrator"), "plain"),
}


def is_known(code: str) -> bool:
    """Whether a code has a label."""
    return code in LABELS


def label(code: str | None) -> str:
    """Label of a code; an unknown code (for example a provider's status) is returned as it is."""
    known = LABELS.get(code or "")
    return str(known[0]) if known else code or ""


def tone(code: str | None) -> str:
    """Tone (colour) of the badge of a code."""
    return LABELS.get(code or "", ("", "plain"))[1]


def moment(value: datetime | None) -> Markup:
    """Element ``<time>``; a script shows it in the browser's time zone, without a script it shows UTC."""
    if value is None:
        return Markup("")
    shown = f"{format_datetime(value, 'medium', rebase=False)} UTC"
    return Markup('<time datetime="{}" data-local>{}</time>').format(clock.iso(value), shown)


def day(value: date | None) -> str:
    """Calendar date, without time of day and time zone."""
    return "" if value is None else format_date(value, "medium", rebase=False)


def money(value: Decimal | None, currency: str | None = None) -> str:
    """Amount with two or three decimals, in the number format of the viewer's language."""
    if value is None:
        return ""
    return str(format_currency(value, currency, "#,##0.00 ¤¤") if currency else format_decimal(value, "#,##0.00#"))


def price(value: Decimal | None) -> str:
    """Unit price with all its decimals, at least two."""
    return "" if value is None else str(format_decimal(value, "#,##0.00########"))


def quantity(value: Decimal | int | float | None, unit: str = "") -> str:
    """Number with up to four decimals, and its unit."""
    if value is None:
        return ""
    return f"{format_decimal(value, '#,##0.####')} {unit}".strip()


def register(app: Flask) -> None:
    """Register the functions above as template filters."""
    filters: dict[str, Any] = {
        "label": label,
        "tone": tone,
        "moment": moment,
        "day": day,
        "money": money,
        "price": price,
        "quantity": quantity,
    }
    app.jinja_env.filters.update(filters)
