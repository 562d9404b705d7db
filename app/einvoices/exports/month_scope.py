"""What a package contains, fixed at one moment: the documents of a month and a part of the chain of whole days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select

from app.einvoices.models.einvoices import Einvoice
from app.evidence.models import EvidenceChain, EvidenceEntry, EvidenceRoot
from app.evidence.record_bytes import NO_HASH
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.messages import N_

_PERIOD = re.compile(r"(2\d{3})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Part:
    """Records ``first`` to ``last`` of a chain, the hashes before and of the last one, and the last root."""

    chain: str = ""
    first: int = 1
    last: int = 0
    before: str = NO_HASH
    head: str = NO_HASH
    last_day: date | None = None
    last_root: str = NO_HASH


@dataclass(frozen=True, slots=True)
class MonthScope:
    """The documents (by id) and the part of the chain of one owner and month."""

    owner_id: int
    period: str
    ids: list[int]
    part: Part


def fix_scope(owner_id: int, period: str) -> MonthScope:
    """Fix what the package of a month contains; no issue commits meanwhile.

    The month is that of the legal dates of the documents, in the time zone of the seller. The part of the chain has one
    more day on each side, so that it contains the month of every time zone.

    Raises:
        Invalid: ``period`` is no month such as 2026-11.
    """
    start, end = parse_period(period)
    head = select(EvidenceChain).where(EvidenceChain.owner_id == owner_id).with_for_update(read=True)
    chain = db.session.scalar(head.execution_options(populate_existing=True))
    first, until = start - timedelta(days=1), end + timedelta(days=1)
    return MonthScope(owner_id, period, _ids(owner_id, start, end), _part(chain, first, until) if chain else Part())


def parse_period(period: str) -> tuple[date, date]:
    """The first day of a month and that of the next one.

    Raises:
        Invalid: ``period`` is no month such as 2026-11.
    """
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise Invalid({"period": [N_("Use a year and a month, such as 2026-11.")]})
    start = date(int(found[1]), int(found[2]), 1)
    return start, (start + timedelta(days=31)).replace(day=1)


def _ids(owner_id: int, start: date, end: date) -> list[int]:
    """Ids of the documents of the month, by their number in each series."""
    local_day = func.timezone(Einvoice.seller["timezone"].as_string(), Einvoice.issued_at)
    query = select(Einvoice.id).where(
        Einvoice.owner_id == owner_id,
        Einvoice.issued_at.between(_midnight(start - timedelta(days=1)), _midnight(end + timedelta(days=1))),
        local_day >= datetime.combine(start, time()),
        local_day < datetime.combine(end, time()),
    )
    return list(db.session.scalars(query.order_by(Einvoice.series_id, Einvoice.number)))


def _part(chain: EvidenceChain, first_day: date, until: date) -> Part:
    """The records of the days from ``first_day`` to the one before ``until``."""
    entries, roots, owner_id = EvidenceEntry, EvidenceRoot, chain.owner_id
    earlier = select(func.coalesce(func.max(roots.last), 0)).where(roots.owner_id == owner_id, roots.day < first_day)
    later = select(func.coalesce(func.min(roots.first), chain.position + 1)).where(
        roots.owner_id == owner_id, roots.day >= until
    )
    within = (entries.owner_id == owner_id, entries.at >= _midnight(first_day), entries.at < _midnight(until))
    bounds = (entries.position > earlier.scalar_subquery(), entries.position < later.scalar_subquery())
    positions = select(func.min(entries.position), func.max(entries.position)).where(*within, *bounds)
    first, last = db.session.execute(positions).one()
    root = db.session.scalar(select(roots).where(roots.owner_id == owner_id).order_by(roots.day.desc()).limit(1))
    facts: dict[str, Any] = {"chain": str(chain.chain_id)}
    if root is not None:
        facts |= {"last_day": root.day, "last_root": root.hash}
    if first is None:
        return Part(**facts)
    return Part(first=first, last=last, before=_hash(owner_id, first - 1), head=_hash(owner_id, last), **facts)


def _hash(owner_id: int, position: int) -> str:
    query = select(EvidenceEntry.hash).where(EvidenceEntry.owner_id == owner_id, EvidenceEntry.position == position)
    return db.session.scalar(query) or NO_HASH


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
