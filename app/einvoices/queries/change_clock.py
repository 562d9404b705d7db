"""Clock of changes: it stamps ``updated_at`` so that a client that reads by ``updated_since`` misses no change.

A change becomes visible when its transaction commits, possibly after a change with a later stamp. So before a writer
takes its stamp, it takes a shared advisory lock whose number is its start time. A reader reads only changes that were
stamped before the start of the oldest active writer.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from app.extensions import db

#: Upper half of the ``classid`` of these locks (a number that nothing else uses), and the Unix time of moment 0. A
#: moment is a 48-bit count of 10 microseconds, which lasts for 89 years.
_LOCK, _EPOCH = 0x4549, 1_700_000_000
#: Milliseconds. A writer reads the clock shortly before its lock becomes visible, so readers ignore changes that are
#: younger than this margin. It is about a thousand times longer than that delay.
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
    """Moment of a change of the current transaction, by the database's clock; sets the lock of the writer."""
    moment: datetime = db.session.execute(_STAMP).one()[1]
    return moment


def settled_before() -> datetime:
    """Moment before which the changes are final: all are visible, and no new change gets an earlier stamp.

    Call it before the changes are read; a change that commits in between is read too, which does no harm.
    """
    moment: datetime = db.session.scalar(_SETTLED)
    return moment
