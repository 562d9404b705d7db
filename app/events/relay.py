"""The relay: assigns positions to committed events, one after the other, and calls the listeners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import structlog
from sqlalchemy import BigInteger, bindparam, func, select, update

from app.events.models import Event, EventHead
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work

log = structlog.get_logger(__name__)
BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event with its position."""

    position: int
    type: str
    owner_id: int | None
    subject_id: int
    body: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Events with new positions, in order, and the last assigned position (``head``)."""

    events: Sequence[PlacedEvent]
    head: int


_events, _head = Event.__table__.c, EventHead.__table__.c
_without_position = (
    select(_events.id).where(_events.position.is_(None)).order_by(_events.id).limit(bindparam("limit")).subquery()
)
_numbered = select(
    _without_position.c.id, func.row_number().over(order_by=_without_position.c.id).label("rank")
).subquery()
_LOCKED_HEAD = select(_head.position).with_for_update()
_ASSIGN_POSITIONS = (
    update(Event.__table__)
    .where(_events.id == _numbered.c.id)
    .values(position=bindparam("head", type_=BigInteger) + _numbered.c.rank)
    .returning(
        _events.position,
        _events.type,
        _events.owner_id,
        _events.subject_id,
        _events.body,
        _events.uuid,
        _events.request_id,
    )
)
_MOVE_HEAD = update(EventHead.__table__).values(position=bindparam("head"))

Listener = Callable[[Batch], None]
_listeners: list[Listener] = []


def subscribe(listener: Listener) -> None:
    """Call ``listener`` with each batch, inside the transaction that assigns the positions.

    Rows that it writes are stored together with the positions; messages to other processes belong into
    ``after_commit``. It is called with empty batches too, as a heartbeat.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def relay() -> int:
    """Assign positions to all committed events; returns their number.

    Safe to run twice and in parallel: the row lock of the head admits one relay at a time. So positions become visible
    in ascending order, and a reader that has seen N never misses an event below N.
    """
    placed = 0
    while True:
        with unit_of_work():
            batch = _next_batch()
            for listener in _listeners:
                listener(batch)
        placed += len(batch.events)
        if len(batch.events) < BATCH_SIZE:
            return placed


def _next_batch() -> Batch:
    # Core instead of the ORM: this runs many times a second, and the ORM doubles the time of the statements.
    connection = db.session.connection()
    # The lock is a separate statement, so the next statement sees everything that the previous relay committed.
    head = connection.scalar(_LOCKED_HEAD)
    if head is None:
        raise RuntimeError("event_head is empty: run the migrations")
    rows = connection.execute(_ASSIGN_POSITIONS, {"head": head, "limit": BATCH_SIZE}).all()
    if not rows:
        return Batch((), head)
    connection.execute(_MOVE_HEAD, {"head": head + len(rows)})
    placed = sorted(rows, key=attrgetter("position"))
    # One log line for all events: it maps each position and event id to the request that caused the event.
    entries = [{"position": row.position, "event_id": str(row.uuid), "request_id": row.request_id} for row in placed]
    log.info("events_placed", events=entries)
    return Batch([PlacedEvent(*row[:5]) for row in placed], head + len(rows))
