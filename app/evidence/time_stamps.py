"""Time stamps of daily roots: each root is a row of work, and a task gets its stamp from the authority.

A stamp proves that the statement of a root existed at a moment. As each statement contains the hash of the one before,
it proves that of all earlier roots too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, or_, select

from app.evidence import stamp_authority
from app.evidence.models import EvidenceRoot, EvidenceStamp
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import LEASE
from app.kernel.worker.work_queue import WorkState

log = structlog.get_logger(__name__)
#: Seconds after which a round claims no more rows.
LONGEST_ROUND = 5.0


@dataclass(frozen=True, slots=True)
class _Claim:
    """A root that has to be stamped, and the right to do so."""

    claim_id: UUID
    attempts: int
    statement: bytes


def queue(root: EvidenceRoot) -> None:
    """Have a new root stamped, if the settings name an authority."""
    if stamp_authority.configured() is not None:
        db.session.add(EvidenceStamp(owner_id=root.owner_id, day=root.day, state=WorkState.PENDING.value))


def stamp_due() -> int:
    """Get the time stamps that are due; return their number. Safe to run twice and in parallel."""
    authority = stamp_authority.configured()
    until, count = time.monotonic() + LONGEST_ROUND, 0
    while authority is not None and time.monotonic() < until:
        with unit_of_work():
            claim = _claim()
        if claim is None:
            break
        count += _stamp(claim, authority)
    return count


def _claim() -> _Claim | None:
    row: EvidenceStamp | None = work_queue.claim(EvidenceStamp, timedelta(seconds=LEASE))
    if row is None or row.claim_id is None:
        return None
    root = db.session.get_one(EvidenceRoot, (row.owner_id, row.day))
    return _Claim(row.claim_id, row.attempts, root.body.encode())


def _stamp(claim: _Claim, authority: stamp_authority.Authority) -> bool:
    try:
        checked = stamp_authority.fetch(claim.statement, authority)
    except stamp_authority.StampRefused as refused:
        log.warning("root_not_stamped", reason=str(refused))
        with unit_of_work():
            work_queue.retry_for_ever(EvidenceStamp, claim.claim_id, claim.attempts, str(refused))
        return False
    with unit_of_work():
        return work_queue.finish(EvidenceStamp, claim.claim_id, reply=checked.reply, stamped_at=checked.stamped_at)


def list_stamps(owner_id: int, first: int, last: int, last_day: date) -> Sequence[EvidenceStamp]:
    """The stamps of the roots that have records from ``first`` to ``last``, and the newest one up to ``last_day``."""
    done = (EvidenceStamp.owner_id == owner_id, EvidenceStamp.state == WorkState.DONE, EvidenceStamp.day <= last_day)
    newest = select(func.max(EvidenceStamp.day)).where(*done).scalar_subquery()
    within = select(EvidenceRoot.day).where(
        EvidenceRoot.owner_id == owner_id, EvidenceRoot.first <= last, EvidenceRoot.last >= first
    )
    query = select(EvidenceStamp).where(*done, or_(EvidenceStamp.day == newest, EvidenceStamp.day.in_(within)))
    return list(db.session.scalars(query.order_by(EvidenceStamp.day)))
