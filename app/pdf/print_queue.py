"""Printing beside the requests: what is due is rendered outside of any transaction, part by part, and stored whole."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import inspect, select

from app import pdf
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import after_commit, unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState
from app.pdf import files

log = structlog.get_logger(__name__)
#: A lease outlives the rendering of one part, on a machine ten times as slow too; it is renewed after each.
LEASE = timedelta(seconds=150)
#: Seconds after which no new document is begun.
BUDGET = 10.0

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A template, and what fills it: once, or part after part where all at once would take too much memory."""

    folder: Path
    template: str
    parts: Iterable[Mapping[str, Any]]
    #: The word before the page numbers, where they are counted over all parts.
    numbered: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PrintQueue:
    """What a room has printed.

    Attributes:
        rows: the model (``Printed``) that says what is due.
        compose: from the key of a row to its document; reads what it needs, and holds on to no row.
        stem: from the key to where the file lies, but for the hash and ``.pdf`` at its end.
        lock: locks what the document shows, as everybody does before its row.
        changed: told, in the same transaction, that the file of a key is another one now.
        quick: short documents that long ones of other presses let through between their parts.
    """

    rows: Any
    compose: Callable[..., Document]
    stem: Callable[..., str]
    lock: Callable[..., object] = lambda *_key: None
    changed: Callable[..., object] = lambda *_key: None
    quick: bool = False


#: All presses; each room adds its own.
PRINT_QUEUES: list[PrintQueue] = []


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    key: Key
    attempts: int
    before: str | None


class _Lost(Exception):
    """The document was asked for anew while it was being made."""


def register_queue(press: PrintQueue) -> PrintQueue:
    """Set up a press."""
    PRINT_QUEUES.append(press)
    return press


def print_due(press: PrintQueue) -> bool:
    """Make what is due; true when the time was over before the work was."""
    started = time.monotonic()
    while print_next(press, press.rows.due_at <= clock.now()):
        if time.monotonic() - started > BUDGET:
            return True
        _let_through(press)
    return False


def print_next(press: PrintQueue, *conditions: Any) -> bool:
    """Make the next one for which ``conditions`` hold; false when there is none."""
    with unit_of_work():
        row = work_queue.claim(press.rows, LEASE, *conditions)
        if row is None:
            return False
        claim = _Claim(row.claim_id, inspect(row).identity, row.attempts, row.path)
    try:
        content = _rendered(press, claim)
        digest = hashlib.sha256(content).hexdigest() if content else None
        path = f"{press.stem(*claim.key)}-{digest[:16]}.pdf" if digest else None
        if path:
            files.write(path, content)
    except _Lost:
        return True
    except Exception as error:
        log.exception("pdf_failed", rows=press.rows.__tablename__, key=claim.key, attempt=claim.attempts)
        with unit_of_work():
            work_queue.fail(press.rows, claim.id, claim.attempts, f"{type(error).__name__}: {error}")
        return True
    with unit_of_work():
        _finish(press, claim, path, digest)
    log.info("pdf_made", attempt=claim.attempts, size=len(content))
    return True


def _rendered(press: PrintQueue, claim: _Claim) -> bytes:
    with unit_of_work():
        document = press.compose(*claim.key)
    parts: list[bytes] = []
    for part in document.parts:
        if parts:
            _let_through(press)
            with unit_of_work():
                if not work_queue.renew(press.rows, claim.id, LEASE):
                    raise _Lost
        parts.append(pdf.render(document.folder, document.template, part))
    if not parts:
        return b""
    return parts[0] if len(parts) == 1 and not document.numbered else pdf.merge_parts(parts, document.numbered)


def _let_through(busy: PrintQueue) -> None:
    """Short documents do not wait for the end of a long one, nor for the end of a long queue of them."""
    if busy.quick:
        return
    started = time.monotonic()
    for press in PRINT_QUEUES:
        while press.quick and time.monotonic() - started < BUDGET:
            if not print_next(press, press.rows.due_at <= clock.now()):
                break


def _finish(press: PrintQueue, claim: _Claim, path: str | None, digest: str | None) -> None:
    press.lock(*claim.key)
    if not work_queue.finish(press.rows, claim.id, path=path, sha256=digest):
        _clear_up(press, claim, path)
    elif claim.before != path:
        press.changed(*claim.key)
        if claim.before:
            after_commit(files.file_remover(claim.before))


def _clear_up(press: PrintQueue, claim: _Claim, path: str | None) -> None:
    """It was asked for anew meanwhile, or is gone: a file that nobody will ever ask for must not stay."""
    if path is None:
        return
    keys = zip(inspect(press.rows).primary_key, claim.key, strict=True)
    row = db.session.scalar(select(press.rows).where(*(column == value for column, value in keys)).with_for_update())
    # With somebody at work on it, the same file may just have been written again; whoever it is clears up.
    if row is None or (row.path != path and row.claim_id is None):
        files.remove(path)


def is_done(press: PrintQueue, *conditions: Any) -> bool:
    """Whether the row for which ``conditions`` hold has been printed."""
    with unit_of_work():
        return bool(db.session.scalar(select(press.rows.state).where(*conditions)) == WorkState.DONE)
