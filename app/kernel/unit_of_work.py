"""Unit of work: one transaction, committed once at its end, and the actions that run before and after the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import psycopg
import structlog
from prometheus_client import Counter
from psycopg.pq import TransactionStatus

from app.extensions import db
from app.kernel.database import lost_connections
from app.kernel.errors import Refusal

log = structlog.get_logger(__name__)
FAILED_AFTER_COMMIT = Counter(
    "hub_after_commit_failures_total", "After-commit actions that failed; the periodic sweep makes up for them."
)
_LAST, _PENDING, _SOLE = "before_commit", "after_commit", "sole_statement"
Item = TypeVar("Item")


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Commit the changes of the block, or roll all of them back; after the commit run the ``after_commit`` actions.

    If a refusal ``keeps_evidence``, the changes are committed and the refusal is raised after that.
    """
    refusal: Refusal | None = None
    try:
        try:
            yield
        except Refusal as refused:
            if not refused.keeps_evidence:
                raise
            refusal = refused
        _run_last()
        if db.session().in_transaction():  # without a transaction, a commit would first begin one
            db.session.commit()
    except BaseException as error:
        for key in (_LAST, _PENDING, _SOLE):
            db.session.info.pop(key, None)
        db.session.rollback()
        if isinstance(error, psycopg.Error) and lost_connections.is_lost(error):
            # SQLAlchemy does the same for its own statements: the other connections of the pool are lost too, and
            # each of them would fail another request.
            db.engine.dispose()
        raise
    db.session.info.pop(_SOLE, None)
    for action in db.session.info.pop(_PENDING, ()):
        _run(action)
    if refusal:
        raise refusal


def commit_early() -> None:
    """Commit what the unit of work has written so far and give its connection back, before work that takes long."""
    _run_last()
    if db.session().in_transaction():
        db.session.commit()


@contextmanager
def sole_statement() -> Iterator[psycopg.Cursor[Any]]:
    """A cursor for the only statement of a unit of work.

    The statement is a transaction of its own (autocommit) and is stored when it returns. This saves two round trips,
    ``BEGIN`` and ``COMMIT``. If a transaction has begun already, the statement becomes part of it.

    Raises:
        RuntimeError: this is the second such statement of the unit of work; they would be two transactions.
    """
    if db.session().in_transaction():
        yield db.session.connection().connection.driver_connection.cursor()
        return
    if _SOLE in db.session.info:
        raise RuntimeError("a second statement: begin a transaction for both")
    db.session.info[_SOLE] = True
    with closing(db.engine.raw_connection()) as pooled:
        driver: Any = pooled.driver_connection
        driver.autocommit = True
        try:
            yield driver.cursor()
        finally:
            if driver.info.transaction_status == TransactionStatus.IDLE:
                driver.autocommit = False
            else:
                pooled.invalidate()  # interrupted in the statement, or connection lost


def before_commit(action: Callable[[Sequence[Item]], object], item: Item) -> None:
    """Run ``action`` once with all its items, as the last work of the current transaction.

    So a lock that many transactions want is held for a moment only.
    """
    db.session.info.setdefault(_LAST, {}).setdefault(action, []).append(item)


def after_commit(action: Callable[[], object]) -> None:
    """Run ``action`` after the commit of the current unit of work; an action that was added twice runs once."""
    actions = db.session.info.setdefault(_PENDING, [])
    if action not in actions:
        actions.append(action)


def _run_last() -> None:
    if waiting := db.session.info.pop(_LAST, None):
        db.session.flush()
        for action, items in waiting.items():
            action(items)


def _run(action: Callable[[], object]) -> None:
    try:
        action()
    except Exception:
        FAILED_AFTER_COMMIT.inc()
        log.exception("after_commit_failed", action=getattr(action, "__qualname__", repr(action)))
