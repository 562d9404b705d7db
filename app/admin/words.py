"""The words and figures of pages: what a status is called and how it is coloured, moments, amounts, quantities."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_babel import format_currency, format_date, format_datetime, format_decimal, lazy_gettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup

from app.kernel import clock

#: Word -> what people call it, and its tone: plain, busy (under way), good, warn (somebody must act), bad.
WORDS: dict[str, tuple[LazyString, str]] = {
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
    "draft": (lazy_gettext("Draft"), "plain"),
    "issued": (lazy_gettext("Issued"), "busy"),
    "sent": (lazy_gettext("Sent"), "busy"),
    "accepted": (lazy_gettext("Accepted"), "good"),
    "rejected": (lazy_gettext("Rejected"), "bad"),
    "cancelled": (lazy_gettext("Cancelled"), "bad"),
    "refunded": (lazy_gettext("Refunded"), "warn"),
    "sale": (lazy_gettext("Sale"), "plain"),
    "return": (lazy_gettext("Return"), "plain"),
    "credit_note": (lazy_gettext("Credit note"), "plain"),
    "admin": (lazy_gettext("Administrator"), "plain"),
    "billing": (lazy_gettext("Billing"), "plain"),
    "warehouse": (lazy_gettext("Warehouse"), "plain"),
    "integrator": (lazy_gettext("Integrator"), "plain"),
}


def label(word: str | None) -> str:
    """What people call a status, type, priority or role; unknown words (a provider's) as they are."""
    known = WORDS.get(word or "")
    return str(known[0]) if known else word or ""


def tone(word: str | None) -> str:
    """How a badge of this word is coloured."""
    return WORDS.get(word or "", ("", "plain"))[1]


def moment(value: datetime | None) -> Markup:
    """A ``<time>`` that the browser shows in its own zone; without a script, in UTC."""
    if value is None:
        return Markup("")
    shown = f"{format_datetime(value, 'medium', rebase=False)} UTC"
    return Markup('<time datetime="{}" data-local>{}</time>').format(clock.iso(value), shown)


def day(value: date | None) -> str:
    """A day of the calendar, without a time of day or a zone."""
    return "" if value is None else format_date(value, "medium", rebase=False)


def money(value: Decimal | None, currency: str | None = None) -> str:
    """An amount to the cent, in the viewer's way of writing it."""
    if value is None:
        return ""
    return str(format_currency(value, currency) if currency else format_decimal(value, "#,##0.00"))


def quantity(value: Decimal | int | float | None, unit: str = "") -> str:
    """A number with as many decimals as it has."""
    if value is None:
        return ""
    return f"{format_decimal(value, '#,##0.####')} {unit}".strip()


def register(app: Flask) -> None:
    """Make these the templates' own."""
    filters: dict[str, Any] = {
        "label": label,
        "tone": tone,
        "moment": moment,
        "day": day,
        "money": money,
        "quantity": quantity,
    }
    app.jinja_env.filters.update(filters)
