"""Connection poolers: no prepared statements where a pooler such as PgBouncer stands before PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event


def register(engine: Engine) -> None:
    """Check each new connection of ``engine``."""
    event.listen(engine, "connect", _disable_prepared_statements_of_pooler)


def _disable_prepared_statements_of_pooler(connection: Any, _record: Any) -> None:
    """Stop psycopg from preparing statements if the server is not the one that the connection was opened to.

    In transaction mode each transaction may run on another server connection, which does not have the statement, or
    has another one of the same name. A pooler announces a process id of its own, so the ids differ.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()", prepare=False)
            [backend] = cursor.fetchone()
        connection.rollback()
    except BaseException:
        connection.close()  # the pool does not know it yet, so nothing else would close it
        raise
    if backend != connection.info.backend_pid:
        connection.prepare_threshold = None
