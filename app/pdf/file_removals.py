"""Removals of files in a remote store: rows, so that none is lost while the store does not answer."""

from __future__ import annotations

import time

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.kernel import clock
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import after_commit, unit_of_work
from app.kernel.worker.celery_app import DebouncedTask
from app.pdf.models import FileRemoval

trigger_remover = DebouncedTask("operations.remove_files")
#: Seconds after which a run begins no further removal; the last one may take 20, and the task ends after 30.
BUDGET = 5.0


def add(path: str) -> None:
    """Remove a file after the commit of the present transaction; a worker does it, and tries again until it is done."""
    row = insert(FileRemoval).values(path=path, requested_at=clock.now())
    db.session.execute(row.on_conflict_do_nothing())
    after_commit(trigger_remover)


def cancel(path: str) -> None:
    """Keep a file that is about to be written again; in a transaction of its own, unless one has begun."""
    statement = delete(FileRemoval).where(FileRemoval.path == path)
    if db.session().in_transaction():
        db.session.execute(statement)
    else:
        with unit_of_work():
            db.session.execute(statement)


def remove_due() -> bool:
    """Remove the files whose removal waits, the oldest first, for about ``BUDGET`` seconds; true if some are left.

    Raises:
        StorageUnavailable: the store does not answer; the row waits for the next run.
    """
    started = time.monotonic()
    while _remove_next():
        if time.monotonic() - started > BUDGET:
            return True
    return False


def _remove_next() -> bool:
    """The row is locked during the request: a printer that writes the same path again waits until the file is gone."""
    with unit_of_work():
        oldest = select(FileRemoval).order_by(FileRemoval.requested_at, FileRemoval.path).limit(1)
        row = db.session.scalar(oldest.with_for_update(skip_locked=True))
        if row is None:
            return False
        file_store().remove(row.path)
        db.session.delete(row)
    return True
