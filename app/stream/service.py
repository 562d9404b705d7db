"""Streams: replay from the log, live events, keep-alives and the end of the lifetime; and tickets for browsers."""

from __future__ import annotations

import hashlib
import queue
import secrets
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from datetime import timedelta
from functools import cache, partial

from flask import Flask
from sqlalchemy import delete

from app import events
from app.accounts.credentials import ip_allowlist, revalidation
from app.accounts.errors import ScopedTokenAddressRefused
from app.accounts.principals import Principal
from app.extensions import db
from app.kernel import clock
from app.stream.broadcaster import READ_BATCH, broadcaster
from app.stream.models import StreamTicket
from app.stream.places import Limits, places
from app.stream.sse_frames import KEEP_ALIVE, RETRY, Frame, StreamEvent, ToFrames
from app.stream.subscriber import DROPPED, Connection, StreamFilter, Subscriber

TICKET_LIFETIME = timedelta(seconds=60)
#: Takes the connection of an answer over from the server, and calls the function when the connection has ended.
TakeOver = Callable[[Callable[[], None]], Connection]


def open_stream(
    app: Flask,
    caller: Principal,
    *,
    address: str | None,
    ability: str,
    types: list[str],
    after: int | None,
    to_frames: ToFrames,
    keep_alive: str = KEEP_ALIVE,
    take_over: TakeOver | None = None,
) -> Iterator[bytes]:
    """Frames of the events of ``types`` after position ``after`` (``None``: from now on), until the stream ends.

    With ``take_over`` the frames end before the first live event: from there on the broadcaster writes them.

    Raises:
        TooManyStreams: the credential has ``STREAMS_PER_CREDENTIAL`` open streams, or its user ``STREAMS_PER_USER``.
        NoPlaceForStream: the process has ``STREAMS_PER_PROCESS`` open streams.
    """
    config = app.config
    places.reserve(
        caller,
        Limits(config["STREAMS_PER_CREDENTIAL"], config["STREAMS_PER_USER"], config["STREAMS_PER_PROCESS"]),
    )
    subscriber = Subscriber(
        StreamFilter(frozenset(types), caller.user_id, caller.sees_everything, to_frames),
        caller,
        ability=ability,
        address=address,
        after=after or 0,
        keep_alive=_keep_alive_frame(keep_alive),
        buffer_events=config["STREAM_BUFFER_EVENTS"],
    )
    hand_over = None if take_over is None else partial(_hand_over, subscriber, caller, take_over)
    return _Answer(_frames(app, subscriber, replays=after is not None, hand_over=hand_over), subscriber, caller)


@cache
def _keep_alive_frame(text: str) -> Frame:
    return Frame(text.encode(), position=0)


class _Answer:
    """The frames of a stream that has a place; the place is free again when the stream ends.

    A generator that never began (an answer to HEAD, a client that is gone) would not notice that it is closed.
    """

    def __init__(self, frames: Generator[bytes], subscriber: Subscriber, caller: Principal) -> None:
        self._frames = frames
        self._subscriber = subscriber
        self._release = weakref.finalize(self, places.release, caller)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._frames)

    def close(self) -> None:
        """End the stream, unless its connection was taken over: then it ends with that."""
        self._frames.close()
        if self._subscriber.connection is None:
            self._release()
        else:
            self._release.detach()


def _frames(
    app: Flask, subscriber: Subscriber, *, replays: bool, hand_over: Callable[[float], None] | None
) -> Generator[bytes]:
    ends_at = time.monotonic() + app.config["STREAM_LIFETIME_SECONDS"]
    broadcaster.add(subscriber)
    try:
        yield RETRY.encode() + subscriber.keep_alive.data
        # The queue has all events after ``since``; the log has the earlier ones.
        if replays:
            for missed in _replayed(app, subscriber):
                yield subscriber.filter.to_frames(missed).encode()
        if hand_over is not None and not broadcaster.closing.is_set():
            hand_over(ends_at)
        else:
            yield from _live(subscriber, ends_at, app.config["STREAM_KEEP_ALIVE_SECONDS"])
    finally:
        if subscriber.connection is None:
            broadcaster.remove(subscriber)


def _hand_over(subscriber: Subscriber, caller: Principal, take_over: TakeOver, ends_at: float) -> None:
    """Let the broadcaster write to the connection of ``subscriber``; nobody iterates over its frames any more."""

    def give_back() -> None:
        broadcaster.remove(subscriber)
        places.release(caller)

    subscriber.hand_over(take_over(give_back), time.monotonic(), ends_at)


def _replayed(app: Flask, subscriber: Subscriber) -> Iterator[StreamEvent]:
    """Missed events, page by page; no database connection is held while a slow reader receives a page."""
    position = subscriber.after
    while position < subscriber.since:
        with app.app_context():
            read = events.read_after(
                position,
                types=subscriber.filter.types,
                limit=READ_BATCH,
                owner_id=subscriber.filter.owner_id,
                everybody=subscriber.filter.everybody,
                until=subscriber.since,
            )
            page = [StreamEvent(row.position or 0, row.type, row.owner_id, row.body) for row in read.events]
        yield from page
        if read.is_last:
            return
        position = page[-1].position


def _live(subscriber: Subscriber, ends_at: float, keep_alive_seconds: float) -> Iterator[bytes]:
    """Events as they arrive, and a keep-alive whenever one is due."""
    frames = subscriber.waiting
    if frames is None:  # handed over
        return
    while not broadcaster.closing.is_set() and (left := ends_at - time.monotonic()) > 0:
        try:
            frame = frames.get(timeout=min(keep_alive_seconds, left))
        except queue.Empty:
            yield subscriber.keep_alive.data
            continue
        if frame is None:
            return
        yield frame.data
        if subscriber.dropped and frames.empty():
            DROPPED.inc()
            return


def make_ticket(caller: Principal) -> str:
    """Make a ticket for one stream within ``TICKET_LIFETIME``, for browsers: ``EventSource`` cannot send headers."""
    ticket = secrets.token_urlsafe(32)
    db.session.add(
        StreamTicket(
            ticket_hash=_hash(ticket),
            # A ticket opens a stream only; routes for signed-in users do not accept it.
            principal={**asdict(caller), "abilities": sorted(caller.abilities), "signed_in": False},
            expires_at=clock.now() + TICKET_LIFETIME,
        )
    )
    return ticket


def redeem_ticket(ticket: str, address: str | None) -> Principal | None:
    """Delete the ticket and return its principal; None if it is unknown, used or expired.

    Raises:
        ScopedTokenAddressRefused: the allowlist of the token that made the ticket does not contain ``address``.
    """
    statement = delete(StreamTicket).where(StreamTicket.ticket_hash == _hash(ticket)).returning(StreamTicket)
    row: StreamTicket | None = db.session.scalar(statement)
    if row is None or row.expires_at <= clock.now():
        return None
    # The credential may have lost rights since the ticket was made.
    [rights] = revalidation.current_rights([row.principal["credential"]]).values()
    if not ip_allowlist.is_allowed(rights.allowlist, address):
        raise ScopedTokenAddressRefused
    abilities = rights.abilities.intersection(row.principal["abilities"])
    return Principal(**{**row.principal, "abilities": abilities, "role": rights.role})


def _hash(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
