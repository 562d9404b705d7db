"""Queue of official checks: a written document that has official rules gets a row, in the transaction that stores it.

Rows are made where the package of the rules is installed. A sweep finds documents without a row, so that the package
can be installed later, and documents that were checked by other sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog
from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.dialects.postgresql import insert

from app.einvoices.models.documents import EinvoiceDocument, EinvoiceOfficialCheck
from app.extensions import db
from app.formats.canonical import Format
from app.kernel.unit_of_work import after_commit, unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState
from app.rules.official import xslt_processor
from app.rules.official.official_sets import OfficialSets, find_sets

log = structlog.get_logger(__name__)
#: Formats of stored documents that have official rules, and the format of their content.
CONTENTS = {"ubl": Format.UBL, "cii": Format.CII, "factur-x": Format.CII, "ubl-tr": Format.UBL_TR}
#: Rows of one transaction of the sweep.
BATCH = 1000

trigger_checker = DebouncedTask("einvoices.check_documents")


def enqueue(document: EinvoiceDocument) -> None:
    """Have a document checked that was just stored."""
    if document.format in CONTENTS and xslt_processor.is_installed():
        _make_due([document.id])
        after_commit(trigger_checker)


def current_sets() -> OfficialSets:
    """The rule sets of the packages, and those of the operator's folder."""
    folder: Path | None = current_app.config["OFFICIAL_RULES_DIR"]
    return find_sets(folder)


def queue_outdated(*, failed: bool = False, everything: bool = False) -> int:
    """Have documents checked that were not yet, or by other rule sets.

    Args:
        failed: also those whose check by the sets of now has failed.
        everything: all documents.

    Returns:
        The number of documents.
    """
    sets, count, check = current_sets(), 0, EinvoiceOfficialCheck
    for document_format, content in CONTENTS.items():
        is_old = check.rules_sha256.is_distinct_from(sets.fingerprint(content))
        is_wanted = or_(is_old, check.state == WorkState.FAILED) if failed else is_old
        for ids in _documents(document_format, true() if everything else is_wanted):
            with unit_of_work():
                _make_due(ids)
            count += len(ids)
    if count:
        trigger_checker()
        log.info("official_checks_queued", count=count)
    return count


def _documents(document_format: str, is_wanted: ColumnElement[bool]) -> Iterator[Sequence[int]]:
    """Ids of the documents without a check, or whose check is not pending and is wanted again; in batches."""
    check, last = EinvoiceOfficialCheck, 0
    query = (
        select(EinvoiceDocument.id)
        .join(check, check.document_id == EinvoiceDocument.id, isouter=True)
        .where(EinvoiceDocument.format == document_format)
        .where(or_(check.document_id.is_(None), and_(check.state != WorkState.PENDING, is_wanted)))
        .order_by(EinvoiceDocument.id)
        .limit(BATCH)
    )
    while True:
        with unit_of_work():
            ids = db.session.scalars(query.where(EinvoiceDocument.id > last)).all()
        if not ids:
            return
        yield ids
        last = ids[-1]


def _make_due(ids: Sequence[int]) -> None:
    """Documents that were removed meanwhile get no row."""
    check, due = EinvoiceOfficialCheck, work_queue.reset_values()
    existing = select(EinvoiceDocument.id).where(EinvoiceDocument.id.in_(ids)).with_for_update(key_share=True)
    rows = [{"document_id": each, **due} for each in db.session.scalars(existing)]
    if rows:
        statement = insert(check).values(rows)
        values = {name: statement.excluded[name] for name in due}
        # A row that became pending meanwhile stays: a worker may have it.
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=[check.document_id], set_=values, where=check.state != WorkState.PENDING
            )
        )
