"""Limit of idle transactions: PostgreSQL ends a connection that holds a transaction and does nothing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

#: Seconds that a transaction of a web process may do nothing. The longest pause of a request is far below: no
#: transaction is open while a body arrives, while an export is sent, or while a stream waits.
WEB_SECONDS = 60


def limit_idle_transactions(engine: Engine, seconds: float) -> None:
    """Apply the limit to every new connection of ``engine``; those in the pool are closed.

    A pooler keeps no setting of a session, so behind one its own limit counts (``idle_transaction_timeout``).
    """

    def set_limit(connection: Any, _record: Any) -> None:
        if connection.prepare_threshold is None:  # a pooler; see ``pooler.py``, which runs first
            return
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {int(seconds * 1000)}", prepare=False)
        connection.autocommit = False

    event.listen(engine, "connect", set_limit)
    engine.dispose()
