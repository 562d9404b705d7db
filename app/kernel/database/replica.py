"""Reading lists from a replica of the database (``DATABASE_REPLICA_URL``), unless the caller has just written.

A process remembers up to which position the primary had written its log at which moments. So the position that the
replica has replayed tells up to which moment the replica is complete: its *horizon*. Redis holds when each caller wrote
last, for all processes. A caller whose last change is younger than the horizon reads from the primary.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from flask import Flask, Response, current_app, g, has_request_context, request
from redis.exceptions import RedisError
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import RoutedSession, bus, db
from app.kernel.database import lost_connections, pooler

log = structlog.get_logger(__name__)
#: Key of the replica's engine.
BIND = "replica"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: Seconds between two looks at the positions, and without a look after a failure.
_LOOK_EVERY, _AVOID_FOR = 1.0, 10.0
#: A replica that is so many seconds behind is not used. Changes of callers are remembered for longer.
MAX_LAG = 300
_REMEMBERED_FOR = 2 * MAX_LAG
#: Seconds by which the clocks of two hosts may differ.
_CLOCK_MARGIN = 2.0
_CHANGED_KEY = "hub:changed:"
#: What a standby has in common with its primary and with no other database.
_DATABASE_SQL = (
    "SELECT system_identifier || ':' || oid FROM pg_control_system(), pg_database WHERE datname = current_database()"
)
_WRITTEN_SQL = text(f"SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, ({_DATABASE_SQL})")
_REPLAYED_SQL = text(
    f"SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn WHERE pg_is_in_recovery() AND ({_DATABASE_SQL}) = :database"
)


@dataclass
class Horizon:
    """Up to which moment the replica is complete, as this process knows it."""

    known: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=2 * MAX_LAG))
    moment: float = 0.0
    _next_look: float = 0.0
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def get(self) -> float:
        """The horizon as a Unix time; 0 if the replica cannot be used."""
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        return self.moment if self.moment > time.time() - MAX_LAG else 0.0

    def avoid(self) -> None:
        """Use the primary alone for a while."""
        self.moment, self._next_look = 0.0, time.monotonic() + _AVOID_FOR

    def _look(self) -> None:
        self._next_look = time.monotonic() + _LOOK_EVERY
        now = time.time()  # what was committed before this moment is below the position
        try:
            written, replayed = read_positions()
        except SQLAlchemyError as error:
            log.warning("replica_unavailable", error_kind=type(getattr(error, "orig", error)).__name__)
            self.avoid()
            return
        if replayed is None:
            log.warning("replica_is_no_standby")
            self.avoid()
            return
        self.known.append((now, written))
        self.moment = max((moment for moment, position in self.known if position <= replayed), default=0.0)


horizon = Horizon()
#: Who sends the present request, in a word; None for somebody unknown. Set by the factory.
caller_name: Callable[[], str | None] = lambda: None  # noqa: E731


def register(app: Flask) -> None:
    """Prepare the engine of the replica, and remember changes of callers; without a replica nothing is done."""
    if not app.config["DATABASE_REPLICA_URL"]:
        return
    with app.app_context():
        engine = db.engines[BIND]
    pooler.register(engine)
    lost_connections.register(engine)
    event.listen(engine, "handle_error", _avoid)
    app.after_request(_remember_change)
    RoutedSession.choose_engine = staticmethod(_choose_engine)  # type: ignore[method-assign]


@contextmanager
def reading_lists() -> Iterator[None]:
    """Send the statements of the block to the replica if it has all that the caller wrote."""
    if not has_request_context() or g.get("reads_replica") or not _may_read_replica():
        yield
        return
    g.reads_replica = True
    try:
        yield
    finally:
        g.reads_replica = False


def _may_read_replica() -> bool:
    if not current_app.config["DATABASE_REPLICA_URL"] or request.method not in _READING:
        return False
    if "replica_is_complete" not in g:
        g.replica_is_complete = _is_complete()
    return bool(g.replica_is_complete)


def _is_complete() -> bool:
    """Whether the replica has every change of the caller."""
    caller, moment = caller_name(), horizon.get()
    if caller is None or not moment:
        return False
    try:
        changed = bus.client.get(_CHANGED_KEY + caller)
    except RedisError as error:
        log.warning("last_change_unknown", error=str(error))
        return False
    return changed is None or float(changed) + _CLOCK_MARGIN < moment


def _remember_change(answer: Response) -> Response:
    if request.method not in _READING and (caller := caller_name()) is not None:
        try:
            bus.client.set(_CHANGED_KEY + caller, time.time(), ex=_REMEMBERED_FOR)
        except RedisError as error:
            log.warning("last_change_not_stored", error=str(error))
    return answer


def _choose_engine() -> Engine | None:
    """The replica's engine inside of ``reading_lists()``."""
    return db.engines[BIND] if has_request_context() and g.get("reads_replica") else None


def _avoid(_context: ExceptionContext) -> None:
    horizon.avoid()


def read_positions() -> tuple[int, int | None]:
    """The log's position that the primary has written, and the one that the replica has replayed.

    The second one is None if that server is no standby, or that database is another one than the primary's.
    """
    with db.engine.connect() as primary:
        written, database = primary.execute(_WRITTEN_SQL).one()
    with db.engines[BIND].connect() as standby:
        replayed = standby.execute(_REPLAYED_SQL, {"database": database}).scalar()
    return int(written), None if replayed is None else int(replayed)
