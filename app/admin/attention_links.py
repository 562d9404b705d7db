"""List of what needs the viewer, each entry with the page that it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import url_for

from app.accounts.guards import ADMINISTRATION
from app.accounts.ownership import scope
from app.admin.viewer import Viewer, viewer
from app.operations import attention

#: Kind of an entry -> its page.
PAGES: Mapping[str, str] = {
    "reviews": "admin.review_desk.index",
    "einvoices": "admin.einvoices.index",
    "einvoice_pdfs": "admin.einvoices.show",
    "receipt_pdfs": "admin.receipts.show",
    "official_checks": "admin.einvoices.show",
    "endpoints": "admin.webhooks.show",
    "deliveries": "admin.deliveries.index",
    "balances": "admin.receipts.item",
    "provider_settings": "admin.operations.show",
    "failed_tasks": "admin.operations.show",
    "roots": "admin.evidence.index",
    "backup": "admin.operations.show",
    "partitions": "admin.operations.show",
    "early_partitions": "admin.operations.show",
    "tokens": "admin.tokens.index",
    "modules": "admin.modules.show",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the list, and the URL of its page."""

    need: attention.Need
    url: str


def needs_of_viewer() -> list[Entry]:
    """What needs the viewer, red entries first.

    An entry leads to its page, or, for an administrator without the module of that page, to the operations page. Other
    viewers do not see it then.
    """
    known = viewer()
    if known is None:
        return []
    urls = ((need, _url(need, known)) for need in attention.list_needs(known.may, scope()))
    return [Entry(need, url) for need, url in urls if url]


def _url(need: attention.Need, known: Viewer) -> str | None:
    if known.may_open(PAGES[need.kind]):
        return url_for(PAGES[need.kind], **(need.link or {}))
    return url_for("admin.operations.show") if known.may(ADMINISTRATION) else None
