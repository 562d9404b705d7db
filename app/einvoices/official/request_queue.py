"""Checks on demand: a document that somebody sent waits for the worker of the official rules, for seconds.

The row has the document until it was checked, and is gone after ``LIFETIME``. A caller who sends the same document
again gets the row that is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.einvoices.models.official_requests import OfficialRequest
from app.einvoices.official.check_queue import current_sets
from app.extensions import db
from app.formats.canonical import Format
from app.kernel import clock
from app.kernel.messages import N_, Message
from app.kernel.unit_of_work import after_commit, unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState
from app.rules.official import xslt_processor
from app.rules.official.official_sets import FORMATS

#: Age at which a request is thrown away.
LIFETIME = timedelta(minutes=10)
#: Bytes of a document: one of 3,000 lines takes 6 seconds.
LARGEST = 4 * 1024 * 1024
#: Documents that wait for the worker: of one user, and of all.
MOST_OF_USER, MOST = 3, 100
#: A worker has one attempt: a document that kills it must not come back.
_ATTEMPTS_BEFORE = len(work_queue.DELAYS)
#: The user of the command line.
COMMAND_LINE = 0

trigger_checker = DebouncedTask("einvoices.check_requested")

_NO_RULES = N_("The format has no official rules that can be applied outside of its portal.")
_NOT_INSTALLED = N_("The package of the official rules is not installed.")
_TOO_LARGE = N_("The document is larger than %(n)s bytes.")
_TOO_MANY = N_("Too many documents wait for the official rules; try again shortly.")


class OfficialState(StrEnum):
    """What became of a request for the official rules."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"
    #: Too many documents wait: it was not asked for.
    BUSY = "busy"
    #: The document cannot be checked here.
    NOT_AVAILABLE = "not_available"


@dataclass(frozen=True, slots=True)
class OfficialAnswer:
    """The opinion of the official rules, or why there is none."""

    state: OfficialState
    #: Null where no row was made.
    id: int | None = None
    is_valid: bool | None = None
    error: Message | str | None = None
    opinion: Mapping[str, Any] | None = None


def find_or_request(content: bytes, document_format: Format, user_id: int) -> OfficialAnswer:
    """The opinion of the official rules on a document that was read within the limits; a missing one is requested.

    The caller commits.
    """
    if refused := _obstacle(content, document_format):
        return OfficialAnswer(OfficialState.NOT_AVAILABLE, error=refused)
    key = {
        "user_id": user_id,
        "sha256": hashlib.sha256(content).hexdigest(),
        "rules_sha256": current_sets().fingerprint(document_format),
    }
    row = db.session.scalar(select(OfficialRequest).filter_by(**key))
    if row is not None and _is_kept(row):
        return _answer(row)
    if _is_full(user_id):
        return OfficialAnswer(OfficialState.BUSY, error=_TOO_MANY)
    return _answer(_insert(key, content))


def find(request_id: int, user_id: int) -> OfficialAnswer | None:
    """A request of a user; None if there is none, or not any more."""
    query = select(OfficialRequest).filter_by(id=request_id, user_id=user_id)
    row = db.session.scalar(query.execution_options(populate_existing=True))
    return _answer(row) if row is not None and _is_kept(row) else None


def purge() -> None:
    """Throw away the requests after their lifetime, whether they were checked or not."""
    db.session.execute(delete(OfficialRequest).where(OfficialRequest.requested_at < clock.now() - LIFETIME))


def is_someone_waiting() -> bool:
    """Whether a request waits for the worker."""
    waiting = OfficialRequest.state == WorkState.PENDING, OfficialRequest.claim_id.is_(None)
    with unit_of_work():
        return db.session.scalar(select(OfficialRequest.id).where(*waiting).limit(1)) is not None


def _obstacle(content: bytes, document_format: Format) -> Message | str | None:
    if document_format not in FORMATS:
        return _NO_RULES
    if not xslt_processor.is_installed():
        return _NOT_INSTALLED
    return Message(_TOO_LARGE, n=LARGEST) if len(content) > LARGEST else None


def _insert(key: dict[str, Any], content: bytes) -> OfficialRequest:
    """A new row; if another request for the same document has just made one, that row."""
    request = OfficialRequest
    fresh = {**work_queue.reset_values(), "attempts": _ATTEMPTS_BEFORE, "content": content, "opinion": None}
    fresh |= {"is_valid": None, "requested_at": clock.now()}
    statement = insert(request).values(**key, **fresh)
    is_over = request.requested_at < clock.now() - LIFETIME
    db.session.execute(statement.on_conflict_do_update(index_elements=list(key), set_=fresh, where=is_over))
    after_commit(trigger_checker)
    query = select(request).filter_by(**key).execution_options(populate_existing=True)
    row: OfficialRequest = db.session.scalars(query).one()
    return row


def _is_kept(row: OfficialRequest) -> bool:
    return row.requested_at > clock.now() - LIFETIME


def _is_full(user_id: int) -> bool:
    of_user = func.count().filter(OfficialRequest.user_id == user_id)
    query = select(func.count(), of_user).where(OfficialRequest.state == WorkState.PENDING)
    waiting, own = db.session.execute(query).one()
    return bool(waiting >= MOST or own >= MOST_OF_USER)


def _answer(row: OfficialRequest) -> OfficialAnswer:
    return OfficialAnswer(OfficialState(row.state), row.id, row.is_valid, row.error, row.opinion)
