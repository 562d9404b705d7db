"""Live feed of the overview: the latest events, and the settings of the script that appends new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from app import events
from app.accounts.principals import authenticate
from app.admin.i18n.labels import label, tone
from app.kernel import json

MAX_ENTRIES = 12


@dataclass(frozen=True, slots=True)
class Subject:
    """Subject of an event: its fields for name and id, and the endpoint and argument of its page."""

    name: str
    id: str
    endpoint: str
    argument: str

    @property
    def page_prefix(self) -> str:
        """URL of the subject's page, without the id at its end."""
        values: dict[str, Any] = {self.argument: 0}
        return url_for(self.endpoint, **values).removesuffix("0")


#: Key of the subject in an event's data -> the subject.
SUBJECTS: Mapping[str, Subject] = {
    "invoice": Subject("invoice_no", "id", "admin.sales.show", "invoice_id"),
    "receipt": Subject("invoiceNo", "id", "admin.receipts.show", "receipt_id"),
    "roll": Subject("supplierRollNo", "invoiceId", "admin.receipts.show", "receipt_id"),
    "ledger": Subject("fabricItemId", "invoiceId", "admin.receipts.show", "receipt_id"),
    "account": Subject("name", "id", "admin.provider_accounts.show", "account_id"),
    "einvoice": Subject("invoice_no", "id", "admin.einvoices.show", "einvoice_id"),
}
#: Events whose subject has no page, because it was deleted.
WITHOUT_PAGE = frozenset({"grn.deleted", "provider_account.removed"})


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """Line of the feed."""

    event: str
    at: datetime
    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Feed:
    """Latest entries, URL of the stream after them, and settings of ``static/feed.js``."""

    entries: list[FeedEntry]
    stream_url: str
    settings: dict[str, Any]


def load_feed() -> Feed:
    """Load the latest events that the viewer may see."""
    caller = authenticate()
    head = events.last_position()
    rows = events.latest(
        MAX_ENTRIES, types=list(events.CATALOGUE), owner_id=caller.user_id, everybody=caller.sees_everything
    )
    stream_url = url_for("Events.Stream", topics="*", last_event_id=head)
    settings = {"events": dict(_event_settings()), "maxEntries": MAX_ENTRIES}
    return Feed([_entry(row) for row in rows], stream_url, settings)


def _event_settings() -> Iterator[tuple[str, dict[str, str]]]:
    for name, kind in events.CATALOGUE.items():
        subject = SUBJECTS.get(kind.key)
        settings = {"label": label(name), "tone": tone(name), "key": kind.key}
        if subject:
            page = "" if name in WITHOUT_PAGE else subject.page_prefix
            settings |= {"name": subject.name, "id": subject.id, "page": page}
        yield name, settings


def _entry(row: Any) -> FeedEntry:
    subject = SUBJECTS.get(events.CATALOGUE[row.type].key)
    if subject is None:
        return FeedEntry(row.type, row.created_at, "", "")
    data = json.decode(row.body)["data"][events.CATALOGUE[row.type].key]
    name = data.get(subject.name) or f"#{data[subject.id]}"
    href = "" if row.type in WITHOUT_PAGE else f"{subject.page_prefix}{data[subject.id]}"
    return FeedEntry(row.type, row.created_at, str(name), href)
