"""Storing events in the transaction of their change, and reading the log after a position."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeVarTuple

import msgspec
import structlog
from sqlalchemy import Select, func, insert, or_, select
from sqlalchemy.orm import aliased

from app.events.models import Event, EventHead
from app.events.registry import EventType
from app.extensions import db
from app.kernel import clock, json, logs
from app.kernel.pagination.byte_limit import fits, fitting_texts, is_last_page
from app.kernel.unit_of_work import after_commit
from app.kernel.uuids import new_uuid
from app.kernel.worker.celery_app import DebouncedTask

Columns = TypeVarTuple("Columns")
#: Webhooks leave within 0.1 s of the commit, so two triggers of the relay must be closer together than that.
trigger_relay = DebouncedTask("events.relay", interval=0.05, quiet_interval=0.02)
_insert = insert(Event.__table__)

#: The end of an SQL statement that stores a subject and its event together; ``event_params`` gives its parameters.
#: ``subject_id`` and ``late`` (an array of texts: the values of ``placeholder(1)``, ``placeholder(2)`` …) are
#: SQL expressions over ``source``.
INSERT_EVENT_SQL = """
    INSERT INTO events (uuid, type, subject_id, body, request_id, created_at)
    SELECT %(event_uuid)s, %(event_type)s, {subject_id}, format(%(event_body)s, VARIADIC {late}),
        %(event_request_id)s::text, %(event_created_at)s
    FROM {source}
"""


def emit(event: EventType, subject: Any, *, subject_id: int, owner_id: int | None = None, **context: Any) -> None:
    """Store in the current transaction that ``event`` happened to ``subject``.

    ``context`` adds further keys to ``data`` in the body, next to the subject.
    """
    row = _row(event, {event.key: event.schema.dump(subject), **context})
    structlog.contextvars.bind_contextvars(event_id=str(row["uuid"]))
    db.session.execute(_insert, {**row, "subject_id": subject_id, "owner_id": owner_id})
    after_commit(trigger_relay)


def emit_many(event: EventType, subjects: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """Store ``event`` for many subjects by one COPY; each is given as its id and its dumped object."""
    connection = db.session.connection().connection.driver_connection
    names = ("uuid", "type", "subject_id", "body", "request_id", "created_at")
    with connection.cursor() as cursor, cursor.copy(f"COPY events ({', '.join(names)}) FROM STDIN") as copy:
        for subject_id, dumped in subjects:
            row = {**_row(event, {event.key: dumped}), "subject_id": subject_id}
            copy.write_row([row[name] for name in names])
    after_commit(trigger_relay)


def placeholder(number: int) -> msgspec.Raw:
    """Placeholder (numbered from 1) for a JSON value that only the SQL statement knows; see ``INSERT_EVENT_SQL``."""
    # JSON text contains no raw control characters, so no client can send this.
    return msgspec.Raw(f"\x01{number}\x02".encode())


def event_params(event: EventType, dumped: dict[str, Any]) -> dict[str, Any]:
    """Parameters of ``INSERT_EVENT_SQL`` for an event about ``dumped``, which may contain placeholders."""
    row = _row(event, {event.key: dumped})
    structlog.contextvars.bind_contextvars(event_id=str(row["uuid"]))
    body = row.pop("body").replace("%", "%%").replace("\x01", "%").replace("\x02", "$s")
    after_commit(trigger_relay)
    return {"event_body": body, **{f"event_{name}": value for name, value in row.items()}}


def _row(event: EventType, data: dict[str, Any]) -> dict[str, Any]:
    event_id, moment = new_uuid(), clock.now()
    body = {"event": event.name, "id": str(event_id), "created_at": clock.iso(moment), "data": data}
    return {
        "uuid": event_id,
        "type": event.name,
        "body": json.encode_text(body),
        "request_id": logs.request_id(),
        "created_at": moment,
    }


def last_position() -> int:
    """The last assigned position; 0 before the first event."""
    return db.session.scalar(select(EventHead.position)) or 0


def latest(
    limit: int, *, types: Collection[str], owner_id: int | None = None, everybody: bool = False
) -> Sequence[Event]:
    """The last events of ``types`` with a position, newest first; for the filters see ``read_after``."""
    placed = select(Event).where(Event.position.is_not(None), Event.type.in_(types))
    query = _readable(placed, owner_id, everybody).order_by(Event.position.desc()).limit(limit)
    return list(db.session.scalars(query))


def count_unpublished() -> int:
    """Number of committed events without a position: the backlog of the relay."""
    return db.session.scalar(select(func.count()).select_from(Event).where(Event.position.is_(None))) or 0


def purged_position() -> int:
    """The position up to which events have been deleted; 0 if none has."""
    return db.session.scalar(select(EventHead.purged)) or 0


class EventPage(NamedTuple):
    """Events in their order; ``is_last`` if there are no later ones that the reader asked for."""

    events: Sequence[Event]
    is_last: bool


def read_after(
    position: int,
    *,
    types: Collection[str],
    limit: int,
    owner_id: int | None = None,
    everybody: bool = False,
    until: int | None = None,
) -> EventPage:
    """Events of ``types`` after ``position`` (and up to ``until``), oldest first, as far as their bodies fit in a page.

    An event of a user is returned for that user (``owner_id``), or for any reader with ``everybody``.
    """
    first = select(Event).where(Event.position > position, Event.type.in_(types))
    first = _readable(first.order_by(Event.position).limit(limit), owner_id, everybody)
    page = (first if until is None else first.where(Event.position <= until)).subquery()
    sized = select(page, *fitting_texts(page.c.position, page.c.body)).subquery()
    query = select(aliased(Event, sized), sized.c.found).where(fits(sized.c.before)).order_by(sized.c.position)
    rows = db.session.execute(query).all()
    return EventPage([event for event, _ in rows], is_last=is_last_page(rows, limit))


def _readable(query: Select[*Columns], owner_id: int | None, everybody: bool) -> Select[*Columns]:
    return query if everybody else query.where(or_(Event.owner_id.is_(None), Event.owner_id == owner_id))
