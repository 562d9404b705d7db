"""Lost connections: errors after which a connection is of no more use, and the request can be sent again."""

from __future__ import annotations

import psycopg
from psycopg import errors as pg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError

#: psycopg counts these as internal errors: the server is a standby now, or it ended a transaction that did nothing.
_OF_THE_SERVER = (pg.ReadOnlySqlTransaction, pg.IdleInTransactionSessionTimeout)


def is_lost(error: BaseException | None) -> bool:
    """Whether the connection is of no use: no server answered, it ended (SQLSTATE 08, 57P), or takes no changes."""
    if isinstance(error, psycopg.OperationalError):
        return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
    return isinstance(error, _OF_THE_SERVER)


def register(engine: Engine) -> None:
    """Have ``engine`` close its connections after such an error, and raise it as an ``OperationalError``."""
    event.listen(engine, "handle_error", _as_disconnect)


def _as_disconnect(context: ExceptionContext) -> None:
    original = context.original_exception
    if isinstance(original, _OF_THE_SERVER):
        context.is_disconnect = True
        raise OperationalError(
            context.statement, None, original, hide_parameters=True, connection_invalidated=True
        ) from original
