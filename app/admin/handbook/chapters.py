"""Chapters of the handbook, and which pages each of them is about."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter; ``name`` is that of its files and of its address, ``pages`` are the blueprints that it is about."""

    name: str
    title: LazyString
    pages: frozenset[str]


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "first-steps",
        lazy_gettext("First steps"),
        frozenset({"overview", "account", "global_search", "handbook", "login"}),
    ),
    Chapter(
        "sales-floor",
        lazy_gettext("Sales floor"),
        frozenset({"sales", "sales_upload", "sales_gaps", "sales_prints", "partners", "customer_desk"}),
    ),
    Chapter("review-desk", lazy_gettext("Review desk"), frozenset({"review_desk"})),
    Chapter(
        "goods-receipts",
        lazy_gettext("Goods receipts"),
        frozenset(
            {
                "receipts",
                "receipt_editor",
                "receipt_upload",
                "receipt_steps",
                "roll_upload",
                "inspection_desk",
                "associations",
                "labels",
                "rolls",
                "masters",
            }
        ),
    ),
    Chapter(
        "e-invoices",
        lazy_gettext("E-invoices"),
        frozenset(
            {
                "einvoices",
                "einvoice_desk",
                "einvoice_documents",
                "einvoice_preview",
                "document_comparison",
                "einvoice_series",
                "einvoice_steps",
                "seller",
                "provider_accounts",
                "evidence",
            }
        ),
    ),
    Chapter(
        "integration",
        lazy_gettext("Connect other systems"),
        frozenset({"tokens", "calls", "webhooks", "deliveries", "modules"}),
    ),
    Chapter(
        "administration",
        lazy_gettext("Administration"),
        frozenset({"users", "api_keys", "operations", "audit_entries"}),
    ),
)
BY_NAME = {chapter.name: chapter for chapter in CHAPTERS}


def chapter_of(endpoint: str | None) -> Chapter:
    """The chapter about a page, by its endpoint; the first steps if none is."""
    page = (endpoint or "").removeprefix("admin.").partition(".")[0]
    return next((chapter for chapter in CHAPTERS if page in chapter.pages), CHAPTERS[0])
