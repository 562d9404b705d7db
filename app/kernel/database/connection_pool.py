"""Connection pool that closes each connection that comes back after the pool was given up."""

from __future__ import annotations

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool


class ClosingPool(QueuePool):
    """A pool that leaves no connection open after ``dispose()``.

    ``Engine.dispose()`` closes the idle connections and replaces the pool. A connection that a thread uses at that
    moment goes back to the old pool. The pool of SQLAlchemy keeps it there, open, until the garbage collector finds it.
    """

    _is_disposed = False

    def dispose(self) -> None:
        self._is_disposed = True
        super().dispose()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        # After the return: so either this or a ``dispose()`` at the same time finds the connection.
        if self._is_disposed:
            super().dispose()
