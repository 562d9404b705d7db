"""PDFs: made from stored data outside of any transaction, stored whole or not at all, told by their content."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, selectinload

from app import pdf
from app.einvoices import changes, document, leasing
from app.einvoices.errors import NoPdf
from app.einvoices.models import Einvoice
from app.einvoices.seller_models import SellerLogo
from app.einvoices.service import Scope, find
from app.einvoices.work_models import EinvoicePdf
from app.einvoices.workflow import WorkState
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import after_commit, unit_of_work

log = structlog.get_logger(__name__)
#: The lease outlives the task's time limits (``tasks.py``). No new document is begun after the budget, in seconds.
LEASE, BUDGET = timedelta(seconds=150), 10.0


@dataclass(frozen=True, slots=True)
class StoredPdf:
    """A file, what it hashes to, and what it is called when it is downloaded."""

    path: Path
    sha256: str
    name: str


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    einvoice_id: int
    attempts: int
    before: str | None


def stored(einvoice_id: int, scope: Scope) -> StoredPdf:
    """The PDF of an e-invoice.

    Raises:
        UnknownEinvoice: there is none, or not for this caller.
        NoPdf: none has been made yet, or its file is gone.
    """
    einvoice = find(einvoice_id, scope, items=False)
    if einvoice.pdf is None or einvoice.pdf.path is None:
        raise NoPdf
    path = _folder() / einvoice.pdf.path
    if not path.is_file():
        log.error("pdf_file_missing", einvoice=einvoice_id, path=einvoice.pdf.path)
        raise NoPdf
    return StoredPdf(path, einvoice.pdf.sha256 or "", f"{einvoice.invoice_no}.pdf")


def print_due() -> bool:
    """Make the PDFs that are due; true when the time was over before the work was."""
    started = time.monotonic()
    while _print_next(EinvoicePdf.due_at <= clock.now()):
        if time.monotonic() - started > BUDGET:
            return True
    return False


def missing() -> list[int]:
    """E-invoices with a number whose PDF was never made, failed, or is gone from the disk."""
    query = (
        select(Einvoice.id, EinvoicePdf.state, EinvoicePdf.path)
        .join(EinvoicePdf, isouter=True)
        .where(Einvoice.number.is_not(None))
        .order_by(Einvoice.id)
    )
    folder = _folder()
    with unit_of_work():
        return [
            einvoice_id
            for einvoice_id, state, path in db.session.execute(query)
            if state != WorkState.DONE or not path or not (folder / path).is_file()
        ]


def print_now(einvoice_id: int) -> bool:
    """Make one PDF at once, whatever became of earlier attempts; false when that came to nothing."""
    with unit_of_work():
        afresh = {"state": WorkState.PENDING.value, "attempts": 0, "due_at": clock.now(), "claim_id": None}
        known = update(EinvoicePdf).where(EinvoicePdf.einvoice_id == einvoice_id).values(afresh)
        if db.session.execute(known.returning(EinvoicePdf.einvoice_id)).first() is None:
            db.session.add(EinvoicePdf(einvoice_id=einvoice_id, **afresh))
    _print_next(EinvoicePdf.einvoice_id == einvoice_id)
    with unit_of_work():
        state = db.session.scalar(select(EinvoicePdf.state).where(EinvoicePdf.einvoice_id == einvoice_id))
    return bool(state == WorkState.DONE)


def _print_next(*conditions: Any) -> bool:
    with unit_of_work():
        row: EinvoicePdf | None = leasing.claim(EinvoicePdf, LEASE, *conditions)
        if row is None or row.claim_id is None:
            return False
        claim = _Claim(row.claim_id, row.einvoice_id, row.attempts, row.path)
    try:
        with unit_of_work():
            data = _data(claim.einvoice_id)
        content = pdf.render(document.TEMPLATES, document.TEMPLATE, data)
        digest = hashlib.sha256(content).hexdigest()
        path = _write(claim.einvoice_id, digest, content)
    except Exception as error:
        log.exception("pdf_failed", einvoice=claim.einvoice_id, attempt=claim.attempts)
        with unit_of_work():
            leasing.fail(EinvoicePdf, claim.id, claim.attempts, f"{type(error).__name__}: {error}")
        return True
    with unit_of_work():
        _finish(claim, path, digest)
    log.info("pdf_made", attempt=claim.attempts, size=len(content))
    return True


def _finish(claim: _Claim, path: str, digest: str) -> None:
    if not leasing.finish(EinvoicePdf, claim.id, path=path, sha256=digest):
        return  # It was asked for anew meanwhile; the one who makes that one clears up.
    if claim.before != path:
        # What lists show of it has changed.
        changed = update(Einvoice).where(Einvoice.id == claim.einvoice_id)
        db.session.execute(changed.values(updated_at=changes.stamp()))
        if claim.before:
            after_commit(_remover(_folder() / claim.before))


def _remover(path: Path) -> Callable[[], None]:
    return lambda: path.unlink(missing_ok=True)


def _data(einvoice_id: int) -> dict[str, Any]:
    query = select(Einvoice).where(Einvoice.id == einvoice_id)
    options = (selectinload(Einvoice.items), joinedload(Einvoice.original))
    einvoice: Einvoice = db.session.scalars(query.options(*options).execution_options(populate_existing=True)).one()
    logo_hash = (einvoice.seller or {}).get("logo_sha256")
    logo = db.session.get(SellerLogo, logo_hash) if logo_hash else None
    return document.data_of(einvoice, einvoice.original.invoice_no if einvoice.original else None, logo)


def _folder() -> Path:
    folder: Path = current_app.config["STORAGE_DIR"]
    return folder


def _write(einvoice_id: int, digest: str, content: bytes) -> str:
    """Store a file under a name that its content gives; a reader sees all of it or nothing."""
    path = f"einvoices/{einvoice_id // 1000}/{einvoice_id}-{digest[:16]}.pdf"
    target = _folder() / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return path
