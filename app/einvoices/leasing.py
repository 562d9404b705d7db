"""Work as rows: one worker at a time takes what is due, and what a lost worker held comes due again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select, update

from app.einvoices.workflow import WorkState
from app.extensions import db
from app.kernel import clock

#: How long to wait after each attempt that came to nothing; after the last one it has failed.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600))
LONGEST_ERROR = 500


def claim(model: Any, lease: timedelta, *conditions: Any) -> Any:
    """The next due row, counted as an attempt and held for ``lease``; None when there is none.

    A row whose last attempt never reported back is failed instead, so that work that kills its worker ends.
    """
    while True:
        moment = clock.now()
        due = select(model).where(model.state == WorkState.PENDING, model.due_at <= moment, *conditions)
        row = db.session.scalar(due.order_by(model.due_at).limit(1).with_for_update(skip_locked=True))
        if row is None:
            return None
        if row.attempts <= len(DELAYS):
            row.claim_id, row.attempts, row.due_at = uuid4(), row.attempts + 1, moment + lease
            return row
        row.state, row.claim_id, row.finished_at = WorkState.FAILED.value, None, moment
        row.error = row.error or "The worker did not come back from it."
        db.session.flush()


def finish(model: Any, claim_id: UUID, **facts: Any) -> bool:
    """The work is done; false when somebody else holds it by now, and then nothing may be written."""
    done = {"state": WorkState.DONE.value, "claim_id": None, "error": None, "finished_at": clock.now()}
    return _write(model, claim_id, {**done, **facts})


def fail(model: Any, claim_id: UUID, attempts: int, error: str, *, for_good: bool = False) -> bool:
    """The attempt came to nothing: try again later, or give up; true when that was the end of it."""
    ended = for_good or attempts > len(DELAYS)
    facts: dict[str, Any] = {"claim_id": None, "error": error[:LONGEST_ERROR]}
    if ended:
        facts |= {"state": WorkState.FAILED.value, "finished_at": clock.now()}
    else:
        facts["due_at"] = clock.now() + DELAYS[attempts - 1]
    return _write(model, claim_id, facts) and ended


def _write(model: Any, claim_id: UUID, facts: dict[str, Any]) -> bool:
    ids: Sequence[Any] = db.session.scalars(
        update(model).where(model.claim_id == claim_id).values(facts).returning(model.state)
    ).all()
    return bool(ids)


def count_waiting(model: Any) -> int:
    """How much is not done yet."""
    return db.session.scalar(select(func.count()).where(model.state == WorkState.PENDING)) or 0
