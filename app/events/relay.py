"""The relay: gives committed events their position, one after the other, and tells the listeners."""

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
    """An event that has its position."""

    position: int
    type: str
    owner_id: int | None
    subject_id: int
    body: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that just got their positions, in order, and the last position given so far."""

    events: Sequence[PlacedEvent]
    head: int


_events, _head = Event.__table__.c, EventHead.__table__.c
_unplaced = (
    select(_events.id).where(_events.position.is_(None)).order_by(_events.id).limit(bindparam("most")).subquery()
)
_numbered = select(_unplaced.c.id, func.row_number().over(order_by=_unplaced.c.id).label("rank")).subquery()
_LOCKED_HEAD = select(_head.position).with_for_update()
_PLACE = (
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
    """Call ``listener`` with each batch, inside the transaction that gives the positions.

    Rows that it writes are stored together with the positions; what must leave the process waits in
    ``after_commit``. It is called with an empty batch too, as a heartbeat.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def relay() -> int:
    """Place everything that has been committed; returns how many events that was.

    Safe to run twice and in parallel: the head's row lock lets one relay in at a time, so positions become
    visible in their own order and a reader that has seen N never misses one below N.
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
    # By Core alone: it runs many times a second, and the ORM's way to the same statements takes as long as they do.
    connection = db.session.connection()
    # The lock is a statement of its own: the next one then sees all that the previous relay committed.
    head = connection.scalar(_LOCKED_HEAD)
    if head is None:
        raise RuntimeError("event_head is empty: run the migrations")
    rows = connection.execute(_PLACE, {"head": head, "most": BATCH_SIZE}).all()
    if not rows:
        return Batch((), head)
    connection.execute(_MOVE_HEAD, {"head": head + len(rows)})
    placed = sorted(rows, key=attrgetter("position"))
    # One line for all: by any of its ids an event is found here, and from here the request that caused it.
    named = [{"position": row.position, "event_id": str(row.uuid), "request_id": row.request_id} for row in placed]
    log.info("events_placed", events=named)
    return Batch([PlacedEvent(*row[:5]) for row in placed], head + len(rows))
