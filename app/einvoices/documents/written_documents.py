"""Documents of e-invoices as files with versioned rows: a new version never overwrites an earlier one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import joinedload

from app.einvoices.events import announce_document
from app.einvoices.models.documents import EinvoiceCanonicalForm, EinvoiceDocument, Origin
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.official.check_queue import enqueue
from app.einvoices.pdf.file_names import file_stem
from app.einvoices.queries.lookup import find, find_for_update
from app.extensions import db
from app.kernel import clock
from app.pdf import files

PDF = "application/pdf"
_ENDINGS = {"application/xml": "xml", "application/json": "json", PDF: "pdf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document to store.

    Attributes:
        format: ``ubl``, ``cii``, ``factur-x``, ``ubl-tr``, ``inv-01``.
        canonical_sha256: of the form that it was written from.
        verdict: what rules and sums said.
        facts: what an authority returned besides.
    """

    format: str
    media_type: str
    content: bytes
    origin: Origin = Origin.HUB
    canonical_sha256: str | None = None
    verdict: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None


def store(einvoice_id: int, new: NewDocument) -> EinvoiceDocument:
    """Store a document as the next version of its format; the same bytes as the last version are that version.

    The bytes go into the evidence of the owner, and subscribers hear of the document. The file is written first, and
    with a remote store outside of a transaction: what the unit of work has written before is committed.
    """
    digest = hashlib.sha256(new.content).hexdigest()
    path = _write_file(find(einvoice_id, None, items=False), new, digest)
    einvoice = find_for_update(einvoice_id, None)  # one version after the other
    last = latest(einvoice, new.format)
    if last is not None and (last.sha256, last.origin) == (digest, new.origin):
        if last.path != path:  # another process stored the same bytes meanwhile
            files.remove_after_commit(path)
        return last
    version = (last.version if last else 0) + 1
    row = EinvoiceDocument(
        einvoice_id=einvoice_id,
        format=new.format,
        version=version,
        origin=new.origin.value,
        media_type=new.media_type,
        path=path,
        sha256=digest,
        size=len(new.content),
        canonical_sha256=new.canonical_sha256,
        verdict=new.verdict,
        facts=new.facts,
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    announce_document(einvoice, row)
    enqueue(row)
    return row


def latest(einvoice: Einvoice, file_format: str, origin: Origin | None = None) -> EinvoiceDocument | None:
    """The newest version of a format, of one origin if it is named; None if there is none."""
    query = select(EinvoiceDocument).where(
        EinvoiceDocument.einvoice_id == einvoice.id, EinvoiceDocument.format == file_format
    )
    query = query if origin is None else query.where(EinvoiceDocument.origin == origin.value)
    found: EinvoiceDocument | None = db.session.scalar(query.order_by(EinvoiceDocument.version.desc()).limit(1))
    return found


def file_name(einvoice: Einvoice, row: EinvoiceDocument) -> str:
    """The name of the file of a document, by the number of its e-invoice: ``EA-2026-000456-ubl.xml``."""
    kind = "" if row.media_type == PDF else f"-{row.format}"
    return f"{file_stem(einvoice)}{kind}{PurePosixPath(row.path).suffix}"


def list_newest(ids: Sequence[int]) -> Sequence[EinvoiceDocument]:
    """The newest version of each format of some e-invoices, with what the official rules say."""
    of_format = (EinvoiceDocument.einvoice_id, EinvoiceDocument.format)
    query = select(EinvoiceDocument).where(EinvoiceDocument.einvoice_id.in_(ids)).ext(distinct_on(*of_format))
    found: Sequence[EinvoiceDocument] = db.session.scalars(
        query.order_by(*of_format, EinvoiceDocument.version.desc()).options(joinedload(EinvoiceDocument.official_check))
    ).all()
    return found


def remove_all(einvoice_id: int) -> None:
    """Remove all documents of an e-invoice, and its canonical form: they have personal data."""
    of_einvoice = EinvoiceDocument.einvoice_id == einvoice_id
    for path in db.session.scalars(select(EinvoiceDocument.path).where(of_einvoice)):
        files.remove_after_commit(path)
    db.session.execute(delete(EinvoiceDocument).where(of_einvoice))
    db.session.execute(delete(EinvoiceCanonicalForm).where(EinvoiceCanonicalForm.einvoice_id == einvoice_id))


def _write_file(einvoice: Einvoice, new: NewDocument, digest: str) -> str:
    """Write the file of the next version, or that of the last one again if it has the same bytes; return its path."""
    last = latest(einvoice, new.format)
    is_last = last is not None and (last.sha256, last.origin) == (digest, new.origin)
    path = last.path if last and is_last else _path(einvoice, new, (last.version if last else 0) + 1, digest)
    files.release_connection()
    files.write(path, new.content)
    return path


def _path(einvoice: Einvoice, new: NewDocument, version: int, digest: str) -> str:
    """The hash in the name keeps a file of a transaction that was rolled back apart from its successor."""
    folder = f"einvoices/{einvoice.id // 1000}/{einvoice.id}-documents"
    ending = _ENDINGS.get(new.media_type, "bin")
    return f"{folder}/{new.format}-{version}-{digest[:12]}.{ending}"
