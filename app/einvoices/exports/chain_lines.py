"""The chain of a package as lines of JSON: records, roots, and the sealed contents with their salts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from app.einvoices.evidence.chain_records import ISSUES, document_content, sealed_content
from app.einvoices.exports.month_scope import MonthScope
from app.einvoices.models.einvoices import Einvoice, EinvoiceEvent, EinvoiceItem
from app.evidence import roots, time_stamps
from app.evidence.models import EvidenceEntry
from app.evidence.offline.chain_check import STAMPS
from app.evidence.proofs import ProvenRecord
from app.evidence.record_bytes import canonical
from app.extensions import db

BATCH_SIZE = 500
#: Lines of documents that are read at a time.
_MAX_ITEMS = 2000


def record_lines(app: Flask, scope: MonthScope) -> Iterator[bytes]:
    """The records of the part, byte for byte."""
    for entries in _entry_batches(app, scope):
        yield b"".join(f"{entry.body}\n".encode() for entry in entries)


def root_lines(app: Flask, scope: MonthScope) -> Iterator[bytes]:
    """All statements of roots of the chain, byte for byte."""
    after: date | None = None
    while scope.part.last_day is not None:
        with app.app_context():
            found = [
                (root.day, root.body)
                for root in roots.list_roots(scope.owner_id, after, BATCH_SIZE)
                if root.day <= scope.part.last_day
            ]
        if not found:
            return
        after = found[-1][0]
        yield b"".join(f"{body}\n".encode() for _, body in found)


def stamp_files(app: Flask, scope: MonthScope) -> Mapping[str, Iterable[bytes]]:
    """The time stamps of the days of the part, and the newest one, by the names of their files."""
    part = scope.part
    if part.last_day is None:
        return {}
    with app.app_context():
        stamps = time_stamps.list_stamps(scope.owner_id, part.first, part.last, part.last_day)
    return {f"{STAMPS}{stamp.day.isoformat()}.tsr": [stamp.reply] for stamp in stamps if stamp.reply is not None}


def further_line(record: ProvenRecord) -> bytes:
    """A record outside of the part, with its proof."""
    proof = record.proof
    shown = {name: getattr(proof, name) for name in ("index", "size", "path")} if proof else {}
    value = {"record": record.record, "proof": {**shown, "day": proof.day.isoformat()} if proof else None}
    return canonical(value) + b"\n"


def sealed_lines(app: Flask, scope: MonthScope, further: Sequence[int]) -> Iterator[bytes]:
    """The sealed contents of the records of the part, as far as their salts are still there.

    Args:
        further: positions of records of issues outside of the part.
    """
    for entries in chain(_entry_batches(app, scope), _further_batches(app, scope, further)):
        sealed = [entry for entry in entries if entry.salt is not None]
        with app.app_context():
            contents = _histories(sealed)
        yield b"".join(_sealed_line(entry, contents.get(entry.position)) for entry in sealed)
        issues = [entry for entry in sealed if entry.kind in ISSUES]
        for some in _by_size(app, issues):
            with app.app_context():
                documents = _documents(some)
            yield b"".join(_sealed_line(entry, documents.get(entry.einvoice_id)) for entry in some)


def _sealed_line(entry: EvidenceEntry, content: bytes | None) -> bytes:
    if content is None or entry.salt is None:
        return b""
    return canonical({"content": content.decode(), "position": entry.position, "salt": entry.salt.hex()}) + b"\n"


def _entry_batches(app: Flask, scope: MonthScope) -> Iterator[Sequence[EvidenceEntry]]:
    for start in range(scope.part.first, scope.part.last + 1, BATCH_SIZE):
        last = min(start + BATCH_SIZE - 1, scope.part.last)
        positions = EvidenceEntry.position.between(start, last)
        query = select(EvidenceEntry).where(EvidenceEntry.owner_id == scope.owner_id, positions)
        with app.app_context():
            entries = db.session.scalars(query.order_by(EvidenceEntry.position)).all()
        yield entries


def _further_batches(app: Flask, scope: MonthScope, positions: Sequence[int]) -> Iterator[Sequence[EvidenceEntry]]:
    for start in range(0, len(positions), BATCH_SIZE):
        some = EvidenceEntry.position.in_(positions[start : start + BATCH_SIZE])
        with app.app_context():
            query = select(EvidenceEntry).where(EvidenceEntry.owner_id == scope.owner_id, some)
            entries = db.session.scalars(query.order_by(EvidenceEntry.position)).all()
        yield entries


def _histories(entries: Sequence[EvidenceEntry]) -> Mapping[int, bytes]:
    """Sealed contents of steps after the issue, by position: what the history of the e-invoice says."""
    steps = {entry.source_id: entry.position for entry in entries if entry.kind not in ISSUES and entry.source_id}
    query = select(EinvoiceEvent.id, EinvoiceEvent.payload).where(EinvoiceEvent.id.in_(steps))
    contents = {steps[row.id]: sealed_content(row.payload) for row in db.session.execute(query)}
    return {position: content for position, content in contents.items() if content is not None}


def _by_size(app: Flask, entries: Sequence[EvidenceEntry]) -> Iterator[Sequence[EvidenceEntry]]:
    """Groups of records of documents that together have few enough lines for the memory."""
    count = select(EinvoiceItem.einvoice_id, func.count().label("items")).group_by(EinvoiceItem.einvoice_id)
    with app.app_context():
        query = count.where(EinvoiceItem.einvoice_id.in_({entry.einvoice_id for entry in entries}))
        sizes = {row.einvoice_id: row.items for row in db.session.execute(query)}
    group: list[EvidenceEntry] = []
    total = 0
    for entry in entries:
        size = sizes.get(entry.einvoice_id, 0)
        if group and total + size > _MAX_ITEMS:
            yield group
            group, total = [], 0
        group.append(entry)
        total += size
    if group:
        yield group


def _documents(entries: Sequence[EvidenceEntry]) -> Mapping[int | None, bytes]:
    ids = {entry.einvoice_id for entry in entries}
    query = select(Einvoice).where(Einvoice.id.in_(ids)).options(selectinload(Einvoice.items))
    return {einvoice.id: document_content(einvoice) for einvoice in db.session.scalars(query)}
