"""The root of each day: a Merkle tree over the records of the day, in a statement that is chained too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from app.evidence import time_stamps
from app.evidence.chain import domain
from app.evidence.merkle import MerkleTree
from app.evidence.models import EvidenceChain, EvidenceEntry, EvidenceRoot, EvidenceStamp
from app.evidence.record_bytes import FORMAT, NO_HASH, canonical, leaf_hash
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work


def seal_due() -> int:
    """Make the roots of all days that are over; return their number. Safe to run twice and in parallel."""
    with unit_of_work():
        owners = db.session.scalars(select(EvidenceChain.owner_id).order_by(EvidenceChain.owner_id)).all()
    return sum(_seal_owner(owner_id) for owner_id in owners)


def _seal_owner(owner_id: int) -> int:
    count = 0
    while True:
        with unit_of_work():
            last = last_root(owner_id)
            day = _day_after(owner_id, last)
        if day is None or day >= clock.now().astimezone(UTC).date():
            return count
        with unit_of_work():
            domain.append_missing(owner_id, day)
        with unit_of_work():
            count += _seal(owner_id, day)


def _day_after(owner_id: int, last: EvidenceRoot | None) -> date | None:
    """The day of the first record without a root."""
    following = (EvidenceEntry.owner_id == owner_id, EvidenceEntry.position == (last.last if last else 0) + 1)
    moment: datetime | None = db.session.scalar(select(EvidenceEntry.at).where(*following))
    return moment.astimezone(UTC).date() if moment else None


def _seal(owner_id: int, day: date) -> int:
    """Make the root of a day that is over, unless another process just did."""
    query = select(EvidenceChain).where(EvidenceChain.owner_id == owner_id).with_for_update()
    chain: EvidenceChain = db.session.scalars(query.execution_options(populate_existing=True)).one()
    end = datetime.combine(day + timedelta(days=1), time(), UTC)
    # From now on no record gets a moment of this day, also when the clock of a process is late.
    chain.last_at = max(chain.last_at, end)
    before = last_root(owner_id)
    if before is not None and before.day >= day:
        return 0
    hashes = _hashes(owner_id, before.last if before else 0, end)
    first = (before.last if before else 0) + 1
    root = EvidenceRoot(owner_id=owner_id, day=day, first=first, last=first + len(hashes) - 1)
    root.root, root.created_at = MerkleTree(hashes).root, clock.now()
    statement = {
        "chain": str(chain.chain_id),
        "day": day.isoformat(),
        "first": root.first,
        "head": hashes[-1],
        "last": root.last,
        "prev": before.hash if before else NO_HASH,
        "root": root.root,
        "v": FORMAT,
    }
    raw = canonical(statement)
    root.body, root.hash = raw.decode(), leaf_hash(raw)
    db.session.add(root)
    db.session.flush()
    time_stamps.queue(root)
    return 1


def _hashes(owner_id: int, after: int, until: datetime) -> list[str]:
    query = select(EvidenceEntry.hash, EvidenceEntry.at).where(
        EvidenceEntry.owner_id == owner_id, EvidenceEntry.position > after
    )
    rows = db.session.execute(query.order_by(EvidenceEntry.position)).yield_per(5000)
    return [row.hash for row in takewhile(lambda row: row.at < until, rows)]


def last_root(owner_id: int) -> EvidenceRoot | None:
    """The newest root of an owner."""
    query = select(EvidenceRoot).where(EvidenceRoot.owner_id == owner_id).order_by(EvidenceRoot.day.desc()).limit(1)
    found: EvidenceRoot | None = db.session.scalar(query)
    return found


def list_roots(owner_id: int, after: date | None, limit: int) -> Sequence[EvidenceRoot]:
    """The roots of an owner after a day, oldest first."""
    query = _with_stamps(owner_id)
    if after is not None:
        query = query.where(EvidenceRoot.day > after)
    return list(db.session.scalars(query.order_by(EvidenceRoot.day).limit(limit)))


def newest_roots(owner_id: int, limit: int) -> Sequence[EvidenceRoot]:
    """The newest roots of an owner, the newest first."""
    return list(db.session.scalars(_with_stamps(owner_id).order_by(EvidenceRoot.day.desc()).limit(limit)))


def _with_stamps(owner_id: int) -> Select[tuple[EvidenceRoot]]:
    stamp = joinedload(EvidenceRoot.stamp).load_only(EvidenceStamp.stamped_at)
    return select(EvidenceRoot).where(EvidenceRoot.owner_id == owner_id).options(stamp)


def root_of(owner_id: int, position: int) -> EvidenceRoot | None:
    """The root of the day of a record; None while the day is not over."""
    containing = (EvidenceRoot.first <= position, EvidenceRoot.last >= position)
    found: EvidenceRoot | None = db.session.scalar(
        select(EvidenceRoot).where(EvidenceRoot.owner_id == owner_id, *containing)
    )
    return found


def tree_of(root: EvidenceRoot) -> MerkleTree:
    """The tree of a root, from the stored records."""
    positions = EvidenceEntry.position.between(root.first, root.last)
    query = select(EvidenceEntry.hash).where(EvidenceEntry.owner_id == root.owner_id, positions)
    return MerkleTree(db.session.scalars(query.order_by(EvidenceEntry.position)).all())
