"""The order of changes: every change is stamped so that a reader who asks for later ones misses none.

A change becomes visible when its transaction commits, maybe after one that was stamped later. So a writer announces
itself by a shared advisory lock, whose number is the second in which it began, before it takes its stamp; and a
reader looks only at changes that were stamped before every writer that is still at work.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from app.extensions import db

#: The class of our advisory locks (any number that nothing else uses), and the second that counts as 0.
_LOCK, _EPOCH = 1_162_694_230, 1_700_000_000

_STAMP = text(
    f"SELECT pg_advisory_xact_lock_shared({_LOCK}, floor(extract(epoch FROM clock_timestamp()) - {_EPOCH})::int), "  # noqa: S608 - two numbers of this module
    "clock_timestamp()"
)
_SETTLED = text(
    f"""
    SELECT least(statement_timestamp(), (
        SELECT to_timestamp(min(objid::bigint) + {_EPOCH}) FROM pg_locks
        WHERE locktype = 'advisory' AND classid = {_LOCK} AND objsubid = 2
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ))
    """  # noqa: S608 - two numbers of this module
)


def stamp() -> datetime:
    """The moment of a change that the present transaction makes, by the database's clock."""
    moment: datetime = db.session.execute(_STAMP).one()[1]
    return moment


def settled_before() -> datetime:
    """All changes stamped before this moment are visible now, and none will be stamped before it any more.

    To be asked before the changes are read: what commits in between is seen, and does no harm.
    """
    moment: datetime = db.session.scalar(_SETTLED)
    return moment
