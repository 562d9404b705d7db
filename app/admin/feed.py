"""The live feed: what happened last, rendered once, and what a script needs to go on with it over the stream."""

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

SHOWN = 12


@dataclass(frozen=True, slots=True)
class Subject:
    """Where an event's subject carries its name and its id, and whose page it has."""

    name: str
    id: str
    endpoint: str
    argument: str

    @property
    def page(self) -> str:
        """The address before the id."""
        values: dict[str, Any] = {self.argument: 0}
        return url_for(self.endpoint, **values).removesuffix("0")


#: By the key that an event's data holds its subject under.
SUBJECTS: Mapping[str, Subject] = {
    "invoice": Subject("invoice_no", "id", "admin.sales.show", "invoice_id"),
    "receipt": Subject("invoiceNo", "id", "admin.receipts.show", "receipt_id"),
    "roll": Subject("supplierRollNo", "invoiceId", "admin.receipts.show", "receipt_id"),
    "ledger": Subject("fabricItemId", "invoiceId", "admin.receipts.show", "receipt_id"),
    "einvoice": Subject("invoice_no", "id", "admin.einvoices.show", "einvoice_id"),
}
#: Their subject has no page any more.
GONE = frozenset({"grn.deleted"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the feed."""

    event: str
    at: datetime
    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Feed:
    """The newest entries, the stream that goes on behind them, and the script's share of the words above."""

    entries: list[Entry]
    stream: str
    words: dict[str, Any]


def newest() -> Feed:
    """The feed as the viewer may see it."""
    caller = authenticate()
    head = events.last_position()
    rows = events.latest(SHOWN, types=list(events.CATALOGUE), owner_id=caller.user_id, everybody=caller.sees_everything)
    address = url_for("Events.Stream", topics="*", last_event_id=head)
    return Feed([_entry(row) for row in rows], address, {"events": dict(_words()), "shown": SHOWN})


def _words() -> Iterator[tuple[str, dict[str, str]]]:
    for name, kind in events.CATALOGUE.items():
        subject = SUBJECTS.get(kind.key)
        told = {"label": label(name), "tone": tone(name), "key": kind.key}
        if subject:
            told |= {"name": subject.name, "id": subject.id, "page": "" if name in GONE else subject.page}
        yield name, told


def _entry(row: Any) -> Entry:
    subject = SUBJECTS.get(events.CATALOGUE[row.type].key)
    if subject is None:
        return Entry(row.type, row.created_at, "", "")
    data = json.decode(row.body)["data"][events.CATALOGUE[row.type].key]
    name = data.get(subject.name) or f"#{data[subject.id]}"
    href = "" if row.type in GONE else f"{subject.page}{data[subject.id]}"
    return Entry(row.type, row.created_at, str(name), href)
