"""Work as rows: one worker at a time takes what is due, and what a lost worker held comes due again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import DateTime, Index, Integer, String, Text, Uuid, func, inspect, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock, logs

#: How long to wait after each attempt that came to nothing; after the last one it has failed.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600))
MAX_ERROR_LENGTH = 500


class WorkState(StrEnum):
    """Of work that is done beside the requests: rendering, sending."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class LeasedWork:
    """Work that one worker at a time holds on to, until it is done or has failed too often."""

    state: Mapped[str] = mapped_column(String(20), nullable=False)
    attempts: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, default=clock.now)
    claim_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    #: Why the last attempt came to nothing.
    error: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    #: The request that asked for it, for the log lines of whoever does it.
    request_id: Mapped[str | None] = mapped_column(String(128), default=logs.request_id)


def work_indexes(table: str) -> tuple[Index, Index]:
    """What finding the next due row, and the row of a claim, rest on."""
    due = Index(f"ix_{table}_due", "due_at", postgresql_where=text("state = 'pending'"))
    claimed = text("claim_id IS NOT NULL")
    return due, Index(f"ix_{table}_claim_id", "claim_id", unique=True, postgresql_where=claimed)


def reset_values(due_at: datetime | None = None) -> dict[str, Any]:
    """What makes a row wait for a worker again; one who is still at it loses the claim."""
    return {
        "state": WorkState.PENDING.value,
        "attempts": 0,
        "due_at": due_at or clock.now(),
        "claim_id": None,
        "error": None,
        "request_id": logs.request_id(),
    }


def claim(model: Any, lease: timedelta, *conditions: Any) -> Any:
    """The next due row, counted as an attempt and held for ``lease``; None when there is none.

    A row whose last attempt never reported back is failed instead, so that work that kills its worker ends.
    """
    while True:
        moment = clock.now()
        due = select(model).where(model.state == WorkState.PENDING, model.due_at <= moment, *conditions)
        first = due.order_by(model.due_at).limit(1).with_for_update(skip_locked=True)
        # As it is stored: somebody else may have asked for it anew since this session saw it last.
        row = db.session.scalar(first.execution_options(populate_existing=True))
        if row is None:
            return None
        if row.attempts <= len(DELAYS):
            row.claim_id, row.attempts, row.due_at = uuid4(), row.attempts + 1, moment + lease
            # From here on the worker's lines can be followed from the request that asked for this.
            structlog.contextvars.bind_contextvars(request_id=row.request_id, work=_name(row))
            return row
        row.state, row.claim_id, row.finished_at = WorkState.FAILED.value, None, moment
        row.error = row.error or "The worker did not come back from it."
        db.session.flush()


def _name(row: Any) -> str:
    return ":".join(map(str, (row.__tablename__, *inspect(row).identity)))


def renew(model: Any, claim_id: UUID, lease: timedelta) -> bool:
    """Hold on for another ``lease``; false when somebody else holds it by now, or it is asked for anew."""
    return _write(model, claim_id, {"due_at": clock.now() + lease})


def finish(model: Any, claim_id: UUID, **facts: Any) -> bool:
    """The work is done; false when somebody else holds it by now, and then nothing may be written."""
    done = {"state": WorkState.DONE.value, "claim_id": None, "error": None, "finished_at": clock.now()}
    return _write(model, claim_id, {**done, **facts})


def fail(model: Any, claim_id: UUID, attempts: int, error: str, *, for_good: bool = False) -> bool:
    """The attempt came to nothing: try again later, or give up; true when that was the end of it."""
    ended = for_good or attempts > len(DELAYS)
    facts: dict[str, Any] = {"claim_id": None, "error": error[:MAX_ERROR_LENGTH]}
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
