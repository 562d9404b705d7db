"""Print queues: background rendering of due documents, part by part and outside of transactions."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import inspect, select

from app import pdf
from app.celery_config import Queue
from app.extensions import db
from app.kernel.messages import N_
from app.kernel.storage.file_store import StorageUnavailable
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState
from app.pdf import files
from app.pdf.errors import PdfNotMade

log = structlog.get_logger(__name__)
#: Longer than the rendering of one part, even on a machine ten times slower; renewed before each further part.
LEASE = timedelta(seconds=150)
#: Seconds after which a run begins no further document.
BUDGET = 10.0

#: Shown to the user instead of an unexpected error, whose text may contain paths and other internals.
UNEXPECTED_FAILURE = N_("An unexpected error. The administrator finds it in the log of the worker as pdf_failed.")

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A template and its data: one part, or several parts where one would need too much memory."""

    folder: Path
    template: str
    parts: Iterable[Mapping[str, Any]]
    #: The word before the page numbers, if all parts share one numbering.
    numbered: str | None = None
    #: The user who waits for it, if it belongs to one.
    owner_id: int | None = None


@dataclass(slots=True)
class Turns:
    """Whose document this process printed last; the next one is of the user with the next id."""

    last: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PrintQueue:
    """The print queue of one kind of document.

    Attributes:
        rows: the model of its rows (a ``PrintedDocument``).
        compose: returns the document for the key of a row; it reads the data and keeps no row.
        stem: returns the path of the file for the key, without the hash and ``.pdf`` at the end.
        lock: locks the subject of the document; all code locks it before the row.
        changed: called in the same transaction, with the key and the size, when a document has a new file.
        is_short: SQL condition of the rows whose documents have one part only; long documents of all queues let these
            through between their parts.
        owner: the column of the user who waits for a document; these users take turns. An index has it and ``due_at``.
        lane: the queue of Celery whose worker prints it. Short documents go between the parts of those of their lane.
    """

    rows: Any
    compose: Callable[..., Document]
    stem: Callable[..., str]
    lock: Callable[..., object] = lambda *_key: None
    changed: Callable[..., object] = lambda *_key: None
    is_short: Any = None
    owner: Any = None
    lane: Queue = Queue.PDF
    turns: Turns = field(default_factory=Turns)


#: All print queues; each package registers its own.
PRINT_QUEUES: list[PrintQueue] = []


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    key: Key
    attempts: int
    previous_path: str | None


class _ClaimLost(Exception):
    """The row was reset while its document was being rendered."""


def register_queue(print_queue: PrintQueue) -> PrintQueue:
    """Add a print queue."""
    PRINT_QUEUES.append(print_queue)
    return print_queue


def print_due(print_queue: PrintQueue) -> bool:
    """Print due documents for up to ``BUDGET`` seconds; true if documents are left."""
    started = time.monotonic()
    while print_next(print_queue):
        if time.monotonic() - started > BUDGET:
            return True
        if print_queue.is_short is None:
            _print_short_documents(print_queue.lane)
    return False


def print_next(print_queue: PrintQueue, *conditions: Any) -> bool:
    """Print the next due document that matches ``conditions``; false if there is none.

    Users take turns: one who waits for many documents does not delay the others.
    """
    with unit_of_work():
        row = _claim_next(print_queue, *conditions)
        if row is None:
            return False
        claim = _Claim(row.claim_id, inspect(row).identity, row.attempts, row.path)
    try:
        content = _render(print_queue, claim)
        digest = hashlib.sha256(content).hexdigest() if content else None
        path = f"{print_queue.stem(*claim.key)}-{digest[:16]}.pdf" if digest else None
        if path:
            files.write(path, content)
    except _ClaimLost:
        return True
    except StorageUnavailable as error:
        log.warning("pdf_not_stored", rows=print_queue.rows.__tablename__, key=claim.key, reason=error.reason)
        with unit_of_work():
            work_queue.retry_for_ever(print_queue.rows, claim.id, claim.attempts, error.message)
        return True
    except Exception as error:
        log.exception("pdf_failed", rows=print_queue.rows.__tablename__, key=claim.key, attempt=claim.attempts)
        with unit_of_work():
            hopeless = isinstance(error, PdfNotMade)
            reason = str(error) if hopeless else UNEXPECTED_FAILURE
            work_queue.fail(print_queue.rows, claim.id, claim.attempts, reason, for_good=hopeless)
        return True
    with unit_of_work():
        _finish(print_queue, claim, path, digest, len(content))
    log.info("pdf_made", attempt=claim.attempts, size=len(content))
    return True


def _claim_next(print_queue: PrintQueue, *conditions: Any) -> Any:
    """Claim the next document of the next user; None if no document is due.

    A new process begins with the document that is due for the longest time, or users with high ids would wait longer.
    """
    rows, owner, turns = print_queue.rows, print_queue.owner, print_queue.turns
    if owner is None or turns.last is None:
        return work_queue.claim(rows, LEASE, *conditions)
    row = work_queue.claim(rows, LEASE, *conditions, owner > turns.last, order=(owner,))
    # Then from the lowest id again; rows without an owner come last.
    return row or work_queue.claim(rows, LEASE, *conditions, order=(owner,))


def _render(print_queue: PrintQueue, claim: _Claim) -> bytes:
    with unit_of_work():
        document = print_queue.compose(*claim.key)
    if document.owner_id is not None:
        print_queue.turns.last = document.owner_id
    parts: list[bytes] = []
    for part in document.parts:
        if parts:
            _print_short_documents(print_queue.lane)
            with unit_of_work():
                if not work_queue.renew(print_queue.rows, claim.id, LEASE):
                    raise _ClaimLost
        parts.append(pdf.render(document.folder, document.template, part))
    if not parts:
        return b""
    return parts[0] if len(parts) == 1 and not document.numbered else pdf.merge_parts(parts, document.numbered)


def _print_short_documents(lane: Queue) -> None:
    """Print the due short documents of all queues of a lane, so that they do not wait for long ones."""
    started = time.monotonic()
    for print_queue in (each for each in PRINT_QUEUES if each.lane == lane):
        while print_queue.is_short is not None and time.monotonic() - started < BUDGET:
            if not print_next(print_queue, print_queue.is_short):
                break


def _finish(print_queue: PrintQueue, claim: _Claim, path: str | None, digest: str | None, size: int) -> None:
    print_queue.lock(*claim.key)
    if not work_queue.finish(print_queue.rows, claim.id, path=path, sha256=digest):
        _remove_unused_file(print_queue, claim, path)
    elif claim.previous_path != path:
        print_queue.changed(*claim.key, size)
        if claim.previous_path:
            files.remove_after_commit(claim.previous_path)


def _remove_unused_file(print_queue: PrintQueue, claim: _Claim, path: str | None) -> None:
    """Delete the new file of a lost claim (the row was reset or deleted), because no row refers to it."""
    if path is None:
        return
    keys = zip(inspect(print_queue.rows).primary_key, claim.key, strict=True)
    row = db.session.scalar(
        select(print_queue.rows).where(*(column == value for column, value in keys)).with_for_update()
    )
    # A worker with a claim on the row may have written the same file again; that worker deletes it if necessary.
    if row is None or (row.path != path and row.claim_id is None):
        files.remove_unused(path)


def is_done(print_queue: PrintQueue, *conditions: Any) -> bool:
    """Whether the row that matches ``conditions`` has been printed."""
    with unit_of_work():
        return bool(db.session.scalar(select(print_queue.rows.state).where(*conditions)) == WorkState.DONE)
