"""One transaction for one piece of work: committed once at the edge, and the only way out of the process after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import structlog
from prometheus_client import Counter
from psycopg.pq import TransactionStatus

from app.extensions import db
from app.kernel.errors import Refusal

log = structlog.get_logger(__name__)
FAILED_AFTER_COMMIT = Counter(
    "hub_after_commit_failures_total", "Nudges that failed after a commit; the sweep makes up for them."
)
_PENDING, _SOLE = "after_commit", "sole_statement"


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Commit what the block did, or roll all of it back; then run what waited for the commit.

    A refusal that ``keeps_evidence`` is committed and still refused.
    """
    refusal: Refusal | None = None
    try:
        try:
            yield
        except Refusal as refused:
            if not refused.keeps_evidence:
                raise
            refusal = refused
        if db.session().in_transaction():  # where nothing was begun, a commit would begin something first
            db.session.commit()
    except BaseException as error:
        db.session.info.pop(_PENDING, None)
        db.session.info.pop(_SOLE, None)
        db.session.rollback()
        if isinstance(error, psycopg.OperationalError) and _is_cut_off(error):
            # SQLAlchemy does the same for its own statements: what else lies in the pool is as dead as this one,
            # and each of them would cost a request of its own.
            db.engine.dispose()
        raise
    db.session.info.pop(_SOLE, None)
    for action in db.session.info.pop(_PENDING, ()):
        _run(action)
    if refusal:
        raise refusal


@contextmanager
def sole_statement() -> Iterator[psycopg.Cursor[Any]]:
    """A cursor for the one statement that a unit of work consists of.

    Such a statement is a transaction by itself and stored when it returns: it needs neither ``BEGIN`` nor ``COMMIT``,
    which would be two more round trips. Where the unit of work has begun with something else, it belongs to that.

    Raises:
        RuntimeError: it is the second of its unit of work, which would be stored in two pieces.
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
                pooled.invalidate()  # broken off in the middle, or gone


def _is_cut_off(error: psycopg.OperationalError) -> bool:
    """Whether the connection is gone: the server said so (classes 08 and 57P of SQLSTATE), or nothing any more."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def after_commit(action: Callable[[], object]) -> None:
    """Have ``action`` run once the present unit of work is safely stored; twice the same runs once."""
    waiting = db.session.info.setdefault(_PENDING, [])
    if action not in waiting:
        waiting.append(action)


def _run(action: Callable[[], object]) -> None:
    try:
        action()
    except Exception:
        FAILED_AFTER_COMMIT.inc()
        log.exception("after_commit_failed", action=getattr(action, "__qualname__", repr(action)))
