"""A stream's life: replay from the log, then live events, keep-alives, and an end after its time."""

from __future__ import annotations

import hashlib
import queue
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

from flask import Flask
from sqlalchemy import delete

from app import events
from app.accounts.credentials import revalidation
from app.accounts.principals import Principal
from app.extensions import db
from app.kernel import clock
from app.stream.broadcaster import DROPPED, READ_BATCH, Subscriber, broadcaster
from app.stream.errors import TooManyStreams
from app.stream.models import StreamTicket
from app.stream.sse_frames import KEEP_ALIVE, RETRY, StreamEvent, ToFrames

TICKET_LIFETIME = timedelta(seconds=60)


def open_stream(
    app: Flask, caller: Principal, *, ability: str, types: list[str], after: int | None, framing: ToFrames
) -> Iterator[str]:
    """Frames of the events of ``types`` behind position ``after`` (``None``: from now on), without end.

    Raises:
        TooManyStreams: the credential holds as many as it may.
    """
    if broadcaster.open_streams(caller.credential) >= app.config["STREAMS_PER_CREDENTIAL"]:
        raise TooManyStreams(headers={"Retry-After": "5"})
    subscriber = Subscriber(
        types=frozenset(types),
        owner_id=caller.user_id,
        everybody=caller.sees_everything,
        waiting=queue.Queue(app.config["STREAM_BUFFER_EVENTS"]),
        credential=caller.credential,
        ability=ability,
        session=caller.session,
    )
    return _frames(app, subscriber, after, framing)


def _frames(app: Flask, subscriber: Subscriber, after: int | None, framing: ToFrames) -> Iterator[str]:
    deadline = time.monotonic() + app.config["STREAM_LIFETIME_SECONDS"]
    with broadcaster.subscribed(subscriber):
        yield RETRY + KEEP_ALIVE
        # The queue holds everything behind ``since``; the log holds the rest.
        if after is not None:
            for event in _replayed(app, subscriber, after):
                yield framing(event)
        for heard in _live(subscriber, deadline, app.config["STREAM_KEEP_ALIVE_SECONDS"]):
            # This process may be a moment behind the one that the reader was connected to before.
            if heard is None:
                yield KEEP_ALIVE
            elif after is None or heard.position > after:
                yield framing(heard)


def _replayed(app: Flask, subscriber: Subscriber, after: int) -> Iterator[StreamEvent]:
    """Page by page, with no database connection held while the reader takes its time."""
    position = after
    while position < subscriber.since:
        with app.app_context():
            rows = events.read_after(
                position,
                types=subscriber.types,
                limit=READ_BATCH,
                owner_id=subscriber.owner_id,
                everybody=subscriber.everybody,
                until=subscriber.since,
            )
            page = [StreamEvent(row.position or 0, row.type, row.owner_id, row.body) for row in rows]
        yield from page
        if len(page) < READ_BATCH:
            return
        position = page[-1].position


def _live(subscriber: Subscriber, deadline: float, keep_alive: float) -> Iterator[StreamEvent | None]:
    """Events as they come; ``None`` whenever it is time for a sign of life."""
    while not broadcaster.closing.is_set() and (left := deadline - time.monotonic()) > 0:
        try:
            event = subscriber.waiting.get(timeout=min(keep_alive, left))
        except queue.Empty:
            yield None
            continue
        if event is None:
            return
        yield event
        if subscriber.dropped and subscriber.waiting.empty():
            DROPPED.inc()
            return


def make_ticket(caller: Principal) -> str:
    """A ticket with which a browser, which cannot send headers, opens one stream within a minute."""
    ticket = secrets.token_urlsafe(32)
    db.session.add(
        StreamTicket(
            ticket_hash=_hash(ticket),
            # A ticket opens a stream and nothing that is for users in person.
            principal={**asdict(caller), "abilities": sorted(caller.abilities), "signed_in": False},
            expires_at=clock.now() + TICKET_LIFETIME,
        )
    )
    return ticket


def redeem_ticket(ticket: str) -> Principal | None:
    """Who the ticket was made for; it is gone after that, whoever comes first."""
    spent = delete(StreamTicket).where(StreamTicket.ticket_hash == _hash(ticket)).returning(StreamTicket)
    row: StreamTicket | None = db.session.scalar(spent)
    if row is None or row.expires_at <= clock.now():
        return None
    # Within its minute the credential behind it may have been shut out.
    [able] = revalidation.current_abilities([row.principal["credential"]]).values()
    return Principal(**{**row.principal, "abilities": able.intersection(row.principal["abilities"])})


def _hash(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
