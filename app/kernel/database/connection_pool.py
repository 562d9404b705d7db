"""Connection pool that closes what nobody needs: idle connections, and those of a pool that was given up."""

from __future__ import annotations

from time import monotonic
from typing import cast

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util.queue import Queue

#: Seconds without use after which a connection is closed.
IDLE_SECONDS = 60.0
_RETURNED_AT = "hub_returned_at"


class ClosingPool(QueuePool):
    """A pool that leaves no connection open after ``dispose()``, and few that are idle.

    ``Engine.dispose()`` closes the idle connections and replaces the pool. A connection that a thread uses at that
    moment goes back to the old pool. The pool of SQLAlchemy keeps it there, open, until the garbage collector finds it.

    After a moment with many requests at once, SQLAlchemy would keep up to ``pool_size`` connections for ever, each with
    10 MiB of the server. Here each connection that comes back closes one that was idle for a minute. The pool must be
    one with ``pool_use_lifo``: few requests then use few connections, and the others are idle.
    """

    _is_disposed = False

    def dispose(self) -> None:
        self._is_disposed = True
        super().dispose()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        record.info[_RETURNED_AT] = monotonic()
        super()._do_return_conn(record)
        # After the return: so either this or a ``dispose()`` at the same time finds the connection.
        if self._is_disposed:
            super().dispose()
        else:
            self._close_idle()

    def _close_idle(self) -> None:
        idle = cast("Queue[ConnectionPoolEntry]", self._pool)
        with idle.mutex:
            # The connection that was returned last is the last one, and is taken first.
            if not idle.queue or monotonic() - idle.queue[0].info[_RETURNED_AT] < IDLE_SECONDS:
                return
            record = idle.queue.popleft()
        try:
            record.close()
        finally:
            self._dec_overflow()
