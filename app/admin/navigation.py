"""Navigation menu: one list of pages; a viewer sees the entries that the guards of their views allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from flask import request, url_for
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from app.admin.viewer import viewer


@dataclass(frozen=True, slots=True)
class Entry:
    """Entry of the menu; ``icon`` is one of ``vendor_assets.ICONS``, ``is_current`` marks that of the present page."""

    label: LazyString
    endpoint: str
    icon: str
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Group of entries under one heading."""

    label: LazyString
    entries: tuple[Entry, ...]


#: The menu. The guard of a view decides who sees its entry.
NAVIGATION: tuple[Group, ...] = (
    Group(
        lazy_gettext("Daily work"),
        (
            Entry(lazy_gettext("Overview"), "admin.overview.show", "layout-dashboard"),
            Entry(lazy_gettext("Sales invoices"), "admin.sales.index", "receipt-text"),
            Entry(lazy_gettext("Review desk"), "admin.review_desk.index", "undo-2"),
            Entry(lazy_gettext("Goods receipts"), "admin.receipts.index", "package-open"),
            Entry(lazy_gettext("Rolls"), "admin.rolls.index", "spool"),
            Entry(lazy_gettext("Master data"), "admin.masters.index", "database"),
            Entry(lazy_gettext("E-invoices"), "admin.einvoices.index", "file-check-2"),
        ),
    ),
    Group(
        lazy_gettext("Settings"),
        (
            Entry(lazy_gettext("API tokens"), "admin.tokens.index", "key-round"),
            Entry(lazy_gettext("API calls"), "admin.calls.index", "scroll-text"),
            Entry(lazy_gettext("Audit trail"), "admin.audit_entries.index", "history"),
            Entry(lazy_gettext("Evidence"), "admin.evidence.index", "shield-check"),
            Entry(lazy_gettext("Webhooks"), "admin.webhooks.index", "webhook"),
            Entry(lazy_gettext("Deliveries"), "admin.deliveries.index", "truck"),
            Entry(lazy_gettext("Seller"), "admin.seller.show", "store"),
            Entry(lazy_gettext("Provider accounts"), "admin.provider_accounts.index", "plug"),
            Entry(lazy_gettext("Modules"), "admin.modules.show", "puzzle"),
        ),
    ),
    Group(
        lazy_gettext("Administration"),
        (
            Entry(lazy_gettext("Users"), "admin.users.index", "users"),
            Entry(lazy_gettext("Import keys"), "admin.api_keys.index", "key-square"),
            Entry(lazy_gettext("Operations"), "admin.operations.show", "activity"),
        ),
    ),
)


def navigation() -> Iterator[Group]:
    """Groups and entries that the present viewer may open."""
    known = viewer()
    if known is None:
        return
    current = _current_endpoint()
    for group in NAVIGATION:
        entries = tuple(
            replace(entry, is_current=entry.endpoint == current)
            for entry in group.entries
            if known.may_open(entry.endpoint)
        )
        if entries:
            yield Group(group.label, entries)


def _current_endpoint() -> str | None:
    """The entry of the present page: the one whose address is the nearest above that of the page.

    The overview is above all pages, and the entry of its own page only.
    """
    endpoints = {url_for(entry.endpoint): entry.endpoint for group in NAVIGATION for entry in group.entries}
    path = PurePosixPath(request.path)
    above = [address for address in map(str, path.parents) if address != url_for("admin.overview.show")]
    return next((endpoints[address] for address in (str(path), *above) if address in endpoints), None)
