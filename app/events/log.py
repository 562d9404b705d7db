"""Writing an event with the change that caused it, and reading the log after a position."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import structlog
from sqlalchemy import insert, or_, select

from app.events.catalogue import EventType
from app.events.models import Event, EventHead
from app.extensions import db
from app.kernel import clock, json
from app.kernel.tasks import Nudger
from app.kernel.unit_of_work import after_commit

nudge_relay = Nudger("events.relay")
_insert = insert(Event.__table__)


def emit(event: EventType, subject: Any, *, subject_id: int, owner_id: int | None = None, **context: Any) -> None:
    """Write down, in the present transaction, that ``event`` happened to ``subject``.

    ``context`` adds further keys to the body's ``data``, next to the subject.
    """
    identity, moment = uuid.uuid4(), clock.now()
    body = {
        "event": event.name,
        "id": str(identity),
        "created_at": clock.iso(moment),
        "data": {event.key: event.schema.dump(subject), **context},
    }
    db.session.execute(
        _insert,
        {
            "uuid": identity,
            "type": event.name,
            "subject_id": subject_id,
            "owner_id": owner_id,
            "body": json.encode_text(body),
            "request_id": structlog.contextvars.get_contextvars().get("request_id"),
            "created_at": moment,
        },
    )
    after_commit(nudge_relay)


def head() -> int:
    """The last position given; 0 before the first event."""
    return db.session.scalar(select(EventHead.position)) or 0


def after(
    position: int,
    *,
    types: Collection[str],
    limit: int,
    owner_id: int | None = None,
    everybody: bool = False,
    until: int | None = None,
) -> Sequence[Event]:
    """Events of ``types`` behind ``position`` (and up to ``until``), oldest first.

    What belongs to a user is read by that user (``owner_id``) or by one who sees ``everybody``'s.
    """
    query = select(Event).where(Event.position > position, Event.type.in_(types)).order_by(Event.position).limit(limit)
    if until is not None:
        query = query.where(Event.position <= until)
    if not everybody:
        query = query.where(or_(Event.owner_id.is_(None), Event.owner_id == owner_id))
    return list(db.session.scalars(query))
