"""``check_requested()``: applies the official rules to the documents that somebody sent and waits for."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog

from app.einvoices.models.official_requests import OfficialRequest
from app.einvoices.official import check_queue
from app.einvoices.official.opinions import opinion_facts, reason_of
from app.formats.document_reader import Source, read_document
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import celery_app, work_queue
from app.rules.official.official_sets import OfficialSets
from app.rules.official.second_opinion import Opinion, official_opinion
from app.rules.official.xslt_processor import is_installed

log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=celery_app.LEASE)
#: Seconds after which a run begins no further document: the rest of the task's limit is for the last one.
BUDGET = 5.0


def check_requested() -> bool:
    """Check the documents that wait, for up to ``BUDGET`` seconds; true if documents are left."""
    if not is_installed():
        return False
    started, sets = time.monotonic(), check_queue.current_sets()
    while check_next(sets):
        if time.monotonic() - started > BUDGET:
            return True
    return False


def check_next(sets: OfficialSets) -> bool:
    """Check the document that waits for the longest time; false if there is none. No transaction is open meanwhile."""
    with unit_of_work():
        row = work_queue.claim(OfficialRequest, LEASE)
        if row is None:
            return False
        claim_id, attempts, content = row.claim_id, row.attempts, row.content or b""
    try:
        opinion = _opinion(content, sets)
    except Exception as error:
        log.exception("check_failed", attempt=attempts)
        with unit_of_work():
            reason = reason_of(error)
            work_queue.fail(OfficialRequest, claim_id, attempts, reason, for_good=True, content=None)
        return True
    with unit_of_work():
        facts = {"is_valid": opinion.is_valid, "opinion": opinion_facts(opinion), "content": None}
        work_queue.finish(OfficialRequest, claim_id, **facts)
    return True


def _opinion(content: bytes, sets: OfficialSets) -> Opinion:
    return official_opinion(content, read_document(Source(content)), sets)
