"""Events in: what the relay places becomes a delivery for each endpoint that asked for it, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, String, bindparam, select, text, update

from app import events
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel import clock, json
from app.kernel.unit_of_work import after_commit
from app.kernel.worker.celery_app import DebouncedTask
from app.webhooks.events import TEST
from app.webhooks.models.endpoints import Endpoint

trigger_sender = DebouncedTask("webhooks.send_first", interval=0.02)
MAX_REFERENCE_LENGTH = 100
#: The names by which rooms show a subject's number.
_REFERENCE_FIELDS = ("invoice_no", "invoiceNo")

_INSERT_DELIVERIES_SQL = text("""
    INSERT INTO webhook_deliveries
        (endpoint_id, sequence, reference, position, event_id, event, subject_id, created_at, due_at)
    SELECT wanted.endpoint_id, wanted.sequence, wanted.reference, events.position, events.uuid, events.type,
        events.subject_id, events.created_at, :now
    FROM unnest(:endpoints, :positions, :sequences, :refs)
        AS wanted (endpoint_id, position, sequence, reference)
    JOIN events ON events.position = wanted.position
""").bindparams(
    bindparam("endpoints", type_=ARRAY(BigInteger)),
    bindparam("positions", type_=ARRAY(BigInteger)),
    bindparam("sequences", type_=ARRAY(BigInteger)),
    bindparam("refs", type_=ARRAY(String)),
)


@dataclass(slots=True)
class _Subscriber:
    """An endpoint as the relay sees it; ``sequence`` counts on from the last one given."""

    id: int
    owner_id: int
    sees_everything: bool
    wanted: frozenset[str]
    sequence: int

    def takes(self, event: Any) -> bool:
        if event.type == TEST.name:
            return bool(event.subject_id == self.id)
        if event.type not in self.wanted:
            return False
        return self.sees_everything or event.owner_id is None or event.owner_id == self.owner_id


def create_deliveries(batch: events.Batch) -> None:
    """Write the deliveries of a batch; the positions are stored with them or not at all.

    Disabled endpoints get theirs as well: they wait. The relay's lock on the head makes this the only writer of
    sequences.
    """
    if not batch.events:
        return
    rows = list(_delivery_rows(batch, _subscribers()))
    counted = _store_sequences({endpoint_id: sequence for endpoint_id, _, sequence, _ in rows})
    rows = [row for row in rows if row[0] in counted]
    if not rows:
        return
    names = ("endpoints", "positions", "sequences", "refs")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    db.session.execute(_INSERT_DELIVERIES_SQL, {**columns, "now": clock.now()})
    after_commit(trigger_sender)


def _subscribers() -> list[_Subscriber]:
    query = select(Endpoint.id, Endpoint.owner_id, User.role, Endpoint.events, Endpoint.last_sequence)
    rows = db.session.execute(query.join(User, User.id == Endpoint.owner_id).where(Endpoint.deleted_at.is_(None)))
    # What its owner reads in the log is what an endpoint is told.
    return [
        _Subscriber(id_, owner, role == "admin", frozenset(events.matching(patterns)), last)
        for id_, owner, role, patterns, last in rows
    ]


def _delivery_rows(
    batch: events.Batch, subscribers: Sequence[_Subscriber]
) -> Iterator[tuple[int, int, int, str | None]]:
    for event in batch.events:
        takers = [subscriber for subscriber in subscribers if subscriber.takes(event)]
        reference = _reference(event.body) if takers else None
        for subscriber in takers:
            subscriber.sequence += 1
            yield subscriber.id, event.position, subscriber.sequence, reference


def _store_sequences(sequences: Mapping[int, int]) -> set[int]:
    """Write down the last sequence of each endpoint; which of them are still there: one may just have been deleted."""
    counted: set[int] = set()
    for endpoint_id, sequence in sorted(sequences.items()):
        there = update(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.deleted_at.is_(None))
        changed = there.values(last_sequence=sequence).returning(Endpoint.id)
        counted.update(db.session.scalars(changed.execution_options(synchronize_session=False)))
    return counted


def _reference(body: str) -> str | None:
    """The number that people know the subject by."""
    for shown in json.decode(body)["data"].values():
        for name in _REFERENCE_FIELDS:
            number = shown.get(name) if isinstance(shown, dict) else None
            if isinstance(number, str) and number:
                return number[:MAX_REFERENCE_LENGTH]
    return None
