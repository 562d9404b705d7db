"""``check_due()``: applies the official rules to the documents that are due; no transaction is open meanwhile."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from app.einvoices.models.documents import EinvoiceDocument, EinvoiceOfficialCheck
from app.einvoices.official import check_queue, request_queue
from app.einvoices.official.check_queue import CONTENTS
from app.einvoices.official.opinions import opinion_facts, reason_of
from app.extensions import db
from app.formats.document_reader import open_source, read_document
from app.formats.errors import UnreadableDocument
from app.kernel.storage.file_store import StorageUnavailable
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.pdf import files
from app.rules.official.official_sets import OfficialSets
from app.rules.official.second_opinion import Opinion, official_opinion
from app.rules.official.xslt_processor import is_installed

log = structlog.get_logger(__name__)
#: Longer than the hard limit of the task.
LEASE = timedelta(seconds=150)
#: Seconds after which a run begins no further document.
BUDGET = 10.0


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    document_id: int
    attempts: int
    path: str
    previous: Mapping[str, Any] | None


def check_due() -> bool:
    """Check due documents for up to ``BUDGET`` seconds; true if documents are left.

    It ends earlier when somebody waits for the check of another document. Without the package of the rules nothing is
    done: the rows wait for it.
    """
    if not is_installed():
        return False
    started, sets = time.monotonic(), check_queue.current_sets()
    while check_next(sets):
        if time.monotonic() - started > BUDGET or request_queue.is_someone_waiting():
            return True
    return False


def check_next(sets: OfficialSets) -> bool:
    """Check the document that is due for the longest time; false if there is none."""
    with unit_of_work():
        claim = _claim(sets)
    if claim is None:
        return False
    try:
        opinion = _opinion(claim.path, sets)
    except StorageUnavailable as error:
        with unit_of_work():
            work_queue.retry_for_ever(EinvoiceOfficialCheck, claim.id, claim.attempts, error.message)
        return True
    except Exception as error:
        log.exception("check_failed", document_id=claim.document_id, attempt=claim.attempts)
        with unit_of_work():
            hopeless = isinstance(error, UnreadableDocument | FileNotFoundError)
            work_queue.fail(EinvoiceOfficialCheck, claim.id, claim.attempts, reason_of(error), for_good=hopeless)
        return True
    with unit_of_work():
        facts = {"is_valid": opinion.is_valid, "opinion": opinion_facts(opinion), "previous": claim.previous}
        work_queue.finish(EinvoiceOfficialCheck, claim.id, **facts)
    return True


def _claim(sets: OfficialSets) -> _Claim | None:
    row = work_queue.claim(EinvoiceOfficialCheck, LEASE)
    if row is None:
        return None
    document = db.session.get_one(EinvoiceDocument, row.document_id)
    # Stored now, so that a document that kills its worker is not tried for ever by the same sets.
    row.rules_sha256 = sets.fingerprint(CONTENTS[document.format])
    return _Claim(row.claim_id, row.document_id, row.attempts, document.path, _earlier(row))


def _earlier(row: EinvoiceOfficialCheck) -> Mapping[str, Any] | None:
    """The last opinion of other sets, without its findings."""
    if row.opinion is None:
        return row.previous
    return {name: row.opinion[name] for name in ("rule_sets", "valid", "checked_at")}


def _opinion(path: str, sets: OfficialSets) -> Opinion:
    source = open_source(files.read(path))
    return official_opinion(source.content, read_document(source), sets)
