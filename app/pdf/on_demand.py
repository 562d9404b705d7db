"""Documents on demand: rendered when somebody asks for one, thrown away after minutes, never part of a backup."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.kernel import clock
from app.kernel.storage.file_store import PASSING
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import after_commit
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState
from app.pdf import files
from app.pdf.files import StoredPdf
from app.pdf.models import DocumentOnDemand
from app.pdf.print_queue import PrintQueue

#: Age at which a document is thrown away; the next request renders it again.
LIFETIME = timedelta(minutes=10)
#: Folder of all these files in the store.
FOLDER = PASSING
#: Age of a file at which no row can refer to it: its row is gone, or its worker was killed.
_ORPHAN_AGE = 2 * LIFETIME


@dataclass(frozen=True, slots=True)
class Answer:
    """A document: its file, or the state of its rendering, and why that failed."""

    state: WorkState
    stored: StoredPdf | None = None
    error: str | None = None


def version_of(*facts: object) -> str:
    """The hash of everything that decides what a document shows."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def find_or_request(
    queue: PrintQueue, key: Mapping[str, Any], *, version: str, user_id: int, is_short: Any, name: str
) -> Answer:
    """The document of a key; if there is none, or it shows another version, its rendering is requested.

    The caller commits, and triggers a worker when the state is pending.

    Args:
        is_short: whether the document has one part, as value or as SQL expression.
        name: the name of the file for downloads.
    """
    rows = queue.rows
    query = select(rows).filter_by(**key).execution_options(populate_existing=True)
    row: DocumentOnDemand | None = db.session.scalar(query)
    if row is not None and row.version == version and row.requested_at > clock.now() - LIFETIME:
        if row.state != WorkState.DONE:
            return Answer(WorkState(row.state), error=row.error)
        if stored := files.stored_file(row, name):
            return Answer(WorkState.DONE, stored)
    values = {**work_queue.reset_values(), "version": version, "user_id": user_id, "is_short": is_short}
    values["requested_at"] = clock.now()
    statement = insert(rows).values(**key, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))
    return Answer(WorkState.PENDING)


def purge(queue: PrintQueue) -> None:
    """Throw away the documents of a queue after their lifetime, and files that no row refers to."""
    old = delete(queue.rows).where(queue.rows.requested_at < clock.now() - LIFETIME).returning(queue.rows.path)
    for path in db.session.scalars(old):
        if path:
            files.remove_after_commit(path)
    after_commit(_remove_orphans)


def _remove_orphans() -> None:
    store, oldest = file_store(), datetime.now(UTC) - _ORPHAN_AGE
    for file in store.walk(f"{FOLDER}/"):
        if file.modified < oldest:
            store.remove(file.path)
