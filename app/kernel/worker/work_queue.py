"""Queue of work rows: a worker claims a due row for a lease; the row of a lost worker becomes due again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextvars import Context, copy_context
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Index,
    Integer,
    String,
    Text,
    Uuid,
    func,
    inspect,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock, logs

#: Delay after each failed attempt; after the attempt that follows the last delay the work has failed.
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 3600))
#: No row waits longer than this. A later due time was written by a clock that was wrong, so the row is due.
LONGEST_WAIT = 2 * DELAYS[-1]
MAX_ERROR_LENGTH = 500
#: Error of work whose last worker was killed before it could store another one.
WORKER_LOST = "The worker did not come back from it."


class WorkState(StrEnum):
    """States of background work (rendering, sending)."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class LeasedWork:
    """Columns of a row of work that one worker at a time claims, until it is done or has failed too often."""

    state: Mapped[str] = mapped_column(String(20), nullable=False)
    attempts: Mapped[int] = mapped_column(Integer, nullable=False, default=0, server_default="0")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False, default=clock.now)
    claim_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    #: Error of the last failed attempt.
    error: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    #: Id of the request that caused the work, for the log lines of the worker.
    request_id: Mapped[str | None] = mapped_column(String(128), default=logs.request_id)


def work_indexes(table: str) -> tuple[Index, Index]:
    """Indexes for the search of the next due row and of the row of a claim."""
    due = Index(f"ix_{table}_due", "due_at", postgresql_where=text("state = 'pending'"))
    claimed = text("claim_id IS NOT NULL")
    return due, Index(f"ix_{table}_claim_id", "claim_id", unique=True, postgresql_where=claimed)


def reset_values(due_at: datetime | None = None) -> dict[str, Any]:
    """Column values that make a row due again; a worker that still works on it loses its claim."""
    return {
        "state": WorkState.PENDING.value,
        "attempts": 0,
        "due_at": due_at or clock.now(),
        "claim_id": None,
        "error": None,
        "request_id": logs.request_id(),
    }


def is_due(model: Any, moment: datetime) -> ColumnElement[bool]:
    """Condition: the row is due, or its due time was written by a clock that was wrong."""
    return or_(model.due_at <= moment, model.due_at > moment + LONGEST_WAIT)


def claim(model: Any, lease: timedelta, *conditions: Any, order: Sequence[Any] = ()) -> Any:
    """Claim the next due row for ``lease`` and count an attempt; None if no row is due.

    The next row is the first by ``order``, and among these the one that is due for the longest time.

    A row without attempts left, because its last worker was lost, is marked as failed instead: so work that kills its
    worker is not repeated for ever.
    """
    while True:
        moment = clock.now()
        due = select(model).where(model.state == WorkState.PENDING, is_due(model, moment), *conditions)
        first = due.order_by(*order, model.due_at).limit(1).with_for_update(skip_locked=True, of=model)
        # ``populate_existing``: another transaction may have changed the row since this session read it.
        row = db.session.scalar(first.execution_options(populate_existing=True))
        if row is None:
            return None
        if row.attempts <= len(DELAYS):
            row.claim_id, row.attempts, row.due_at = uuid4(), row.attempts + 1, moment + lease
            # From here on the log lines of the worker have the id of the request that caused the work.
            _bind(row)
            return row
        row.state, row.claim_id, row.finished_at = WorkState.FAILED.value, None, moment
        row.error = row.error or WORKER_LOST
        db.session.flush()


def context_of(row: Any) -> Context:
    """A context for one of several rows that a worker has at a time: it binds what ``claim`` binds for a single one."""
    context = copy_context()
    context.run(_bind, row)
    return context


def _bind(row: Any) -> None:
    structlog.contextvars.bind_contextvars(request_id=row.request_id, work=_row_name(row))


def _row_name(row: Any) -> str:
    return ":".join(map(str, (row.__tablename__, *inspect(row).identity)))


def renew(model: Any, claim_id: UUID, lease: timedelta) -> bool:
    """Extend the claim by another ``lease``; false if another worker has it or the row was reset."""
    return _update_claimed(model, claim_id, {"due_at": clock.now() + lease})


def finish(model: Any, claim_id: UUID, **facts: Any) -> bool:
    """Mark the work as done and set the columns ``facts``; false, with nothing written, if the claim was lost."""
    done = {"state": WorkState.DONE.value, "claim_id": None, "error": None, "finished_at": clock.now()}
    return _update_claimed(model, claim_id, {**done, **facts})


def fail(model: Any, claim_id: UUID, attempts: int, error: str, *, for_good: bool = False, **facts: Any) -> bool:
    """Record a failed attempt and set the columns ``facts``: make the row due later, or give up; true then.

    It is given up after the last attempt or ``for_good``.
    """
    ended = for_good or attempts > len(DELAYS)
    facts |= {"claim_id": None, "error": error[:MAX_ERROR_LENGTH]}
    if ended:
        facts |= {"state": WorkState.FAILED.value, "finished_at": clock.now()}
    else:
        facts["due_at"] = clock.now() + DELAYS[attempts - 1]
    return _update_claimed(model, claim_id, facts) and ended


def retry_for_ever(model: Any, claim_id: UUID, attempts: int, error: str) -> None:
    """Record a failed attempt and make the row due later; it is never given up, and waits for the last delay at most.

    Attempts that end by a lost worker still count: two in a row after the last delay mark the row as failed.
    """
    due_at = clock.now() + DELAYS[min(attempts, len(DELAYS)) - 1]
    facts = {"claim_id": None, "error": error[:MAX_ERROR_LENGTH], "due_at": due_at}
    _update_claimed(model, claim_id, {**facts, "attempts": min(attempts, len(DELAYS) - 1)})


def put_back(model: Any, claim_id: UUID, error: str, **facts: Any) -> None:
    """Make the row due again after the shortest delay, and set the columns ``facts``; the attempt does not count.

    For work that has to wait for a person: it is never given up.
    """
    facts |= {"claim_id": None, "error": error[:MAX_ERROR_LENGTH], "due_at": clock.now() + DELAYS[0]}
    _update_claimed(model, claim_id, {**facts, "attempts": model.attempts - 1})


def _update_claimed(model: Any, claim_id: UUID, facts: dict[str, Any]) -> bool:
    ids: Sequence[Any] = db.session.scalars(
        update(model).where(model.claim_id == claim_id).values(facts).returning(model.state)
    ).all()
    return bool(ids)


def count_waiting(model: Any) -> int:
    """Number of rows that are neither done nor failed."""
    return db.session.scalar(select(func.count()).where(model.state == WorkState.PENDING)) or 0
