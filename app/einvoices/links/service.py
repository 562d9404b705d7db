"""Public links: create one with its token, list, revoke, and open the PDF of a token."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select, update

from app.accounts.ownership import Scope
from app.einvoices.errors import NoPdf, PdfNotReady, TooManyLinks, UnknownLink
from app.einvoices.events import record_step
from app.einvoices.lifecycle import allowed_steps
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.links import EinvoiceLink
from app.einvoices.pdf import print_job
from app.einvoices.queries.lookup import find_for_update
from app.extensions import db
from app.kernel import clock
from app.kernel.worker.work_queue import WorkState
from app.pdf.files import StoredPdf

#: Valid links of one e-invoice at most, and how many links a list shows.
MAX_LINKS, MAX_LISTED = 10, 100
#: Days until a link expires, at most.
MAX_DAYS = 3650
#: The same beginning as that of scoped tokens, by which log lines are masked.
_PREFIX, _TOKEN_BYTES = "ihub_pdf_", 16
_USE_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewLink:
    """A created link and its token, which is not stored."""

    link: EinvoiceLink
    token: str


def create(einvoice_id: int, *, days: int | None, scope: Scope, actor: str) -> NewLink:
    """Create a link to the PDF of an issued e-invoice; without ``days`` it does not expire.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice has no number, so it never has a PDF.
        TooManyLinks: the e-invoice has ``MAX_LINKS`` valid links.
    """
    einvoice = find_for_update(einvoice_id, scope)  # locked: two requests cannot both take the last place
    if einvoice.number is None:
        raise allowed_steps.wrong_state("linked", einvoice)
    _require_place(einvoice)
    now, token = clock.now(), _PREFIX + secrets.token_hex(_TOKEN_BYTES)
    link = EinvoiceLink(
        einvoice_id=einvoice_id,
        token_hash=_hash(token),
        created_by=actor,
        created_at=now,
        expires_at=None if days is None else now + timedelta(days=days),
    )
    db.session.add(link)
    db.session.flush()
    _record("link_created", einvoice, link, actor)
    return NewLink(link, token)


def revoke(einvoice_id: int, link_id: int, *, scope: Scope, actor: str) -> EinvoiceLink:
    """Revoke a link: it opens nothing from now on.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        UnknownLink: the e-invoice has no such link.
    """
    einvoice = find_for_update(einvoice_id, scope)
    query = select(EinvoiceLink).where(EinvoiceLink.id == link_id, EinvoiceLink.einvoice_id == einvoice_id)
    link: EinvoiceLink | None = db.session.scalar(query.execution_options(populate_existing=True))
    if link is None:
        raise UnknownLink
    if link.revoked_at is None:
        link.revoked_at = clock.now()
        _record("link_revoked", einvoice, link, actor)
    return link


def list_links(einvoice: Einvoice) -> Sequence[EinvoiceLink]:
    """The newest links of an e-invoice, also those that ended."""
    query = select(EinvoiceLink).where(EinvoiceLink.einvoice_id == einvoice.id).order_by(EinvoiceLink.id.desc())
    return list(db.session.scalars(query.limit(MAX_LISTED)))


def open_pdf(token: str) -> StoredPdf:
    """The PDF of a link.

    Raises:
        UnknownLink: the link is unknown, expired or revoked, or its PDF does not exist and will not come by itself.
        PdfNotReady: the PDF is pending.
    """
    link: EinvoiceLink | None = db.session.scalar(select(EinvoiceLink).where(EinvoiceLink.token_hash == _hash(token)))
    if link is None or not link.is_valid:
        raise UnknownLink
    try:
        stored = print_job.stored_pdf(link.einvoice_id, None)
    except NoPdf as missing:
        raise UnknownLink from missing
    except PdfNotReady as waiting:
        if waiting.state == WorkState.PENDING:
            raise
        raise UnknownLink from waiting
    _note_use(link)
    return stored


def _require_place(einvoice: Einvoice) -> None:
    valid = or_(EinvoiceLink.expires_at.is_(None), EinvoiceLink.expires_at > clock.now())
    query = select(func.count()).where(
        EinvoiceLink.einvoice_id == einvoice.id, EinvoiceLink.revoked_at.is_(None), valid
    )
    if (db.session.scalar(query) or 0) >= MAX_LINKS:
        raise TooManyLinks


def _note_use(link: EinvoiceLink) -> None:
    """Store the time of the use, unless a recent one is stored: a viewer reads a long PDF by many requests."""
    now = clock.now()
    is_stale = or_(EinvoiceLink.last_used_at.is_(None), EinvoiceLink.last_used_at < now - _USE_INTERVAL)
    if link.last_used_at is None or link.last_used_at < now - _USE_INTERVAL:
        db.session.execute(update(EinvoiceLink).where(EinvoiceLink.id == link.id, is_stale).values(last_used_at=now))


def _record(kind: str, einvoice: Einvoice, link: EinvoiceLink, actor: str) -> None:
    facts = {"link_id": link.id, "expires_at": clock.iso(link.expires_at) if link.expires_at else None}
    record_step(kind, einvoice, actor, **facts)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
