"""The order of changes: every change is stamped so that a reader who asks for later ones misses none.

A change becomes visible when its transaction commits, maybe after one that was stamped later. So a writer announces
itself by a shared advisory lock, whose number is the moment at which it began, before it takes its stamp; and a
reader looks only at changes that were stamped before every writer that is still at work.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from app.extensions import db

#: The upper half of our locks' class (any number that nothing else uses), and the second that counts as 0. A moment
#: is counted in units of 10 microseconds: 48 bits of them last for 89 years.
_LOCK, _EPOCH = 0x4549, 1_700_000_000
#: A writer reads the clock an instant before its lock is seen; what is younger than this is not looked at, so that
#: nobody announces a moment that a reader has already passed. In milliseconds, and some thousand times that instant.
_MARGIN = 50

_STAMP = text(
    f"""
    SELECT pg_advisory_xact_lock_shared(({_LOCK} << 16) + (unit >> 32)::int, unit::bit(32)::int), clock_timestamp()
    FROM (SELECT floor((extract(epoch FROM clock_timestamp()) - {_EPOCH}) * 100000)::bigint AS unit OFFSET 0) began
    """  # noqa: S608 - numbers of this module
)
_SETTLED = text(
    f"""
    SELECT least(statement_timestamp() - interval '{_MARGIN} milliseconds', (
        SELECT to_timestamp({_EPOCH} + min(((classid::bigint & 65535) << 32) | objid::bigint) / 100000.0)
        FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint >> 16 = {_LOCK}
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ))
    """  # noqa: S608 - numbers of this module
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
