"""Appending to the chain of an owner: one writer at a time, last in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, LargeBinary, String, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert

from app.evidence.models import EvidenceChain
from app.evidence.record_bytes import FORMAT, canonical, commitment, leaf_hash, new_salt
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import before_commit
from app.kernel.uuids import new_uuid

#: Kind of the first record of each chain.
BEGUN = "begun"

_STORE = text("""
    WITH moved AS (
        UPDATE evidence_chains SET position = :position, hash = :hash, last_at = :last_at WHERE owner_id = :owner_id
    )
    INSERT INTO evidence_entries (owner_id, position, hash, kind, at, einvoice_id, body, salt, source_id)
    SELECT :owner_id, new.* FROM unnest(:positions, :hashes, :kinds, :moments, :einvoices, :bodies, :salts, :sources)
        AS new (position, hash, kind, at, einvoice_id, body, salt, source_id)
""").bindparams(
    bindparam("positions", type_=ARRAY(BigInteger)),
    bindparam("hashes", type_=ARRAY(String)),
    bindparam("kinds", type_=ARRAY(String)),
    bindparam("moments", type_=ARRAY(DateTime(timezone=True))),
    bindparam("einvoices", type_=ARRAY(BigInteger)),
    bindparam("bodies", type_=ARRAY(Text)),
    bindparam("salts", type_=ARRAY(LargeBinary)),
    bindparam("sources", type_=ARRAY(BigInteger)),
)


@dataclass(frozen=True, slots=True)
class Record:
    """What a record of a chain states.

    Attributes:
        facts: are in the record for every reader, so they contain no personal data.
        sealed: canonical bytes of which the record has a salted hash only.
        source_id: row of the history of the e-invoice that has the sealed content.
    """

    owner_id: int
    kind: str
    einvoice_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    sealed: bytes | None = None
    source_id: int | None = None


@dataclass(slots=True)
class _Head:
    """The last record of a chain whose row is locked."""

    chain_id: str
    position: int
    hash: str
    last_at: datetime


@dataclass(slots=True)
class Domain:
    """What the chains ask the domain whose documents they record.

    Attributes:
        state_before: what the first record of an owner's chain states: what there was before.
        append_missing: append the records of documents of an owner and a day that have none.
    """

    state_before: Callable[[int], Mapping[str, Any]] = lambda _owner_id: {}
    append_missing: Callable[[int, date], None] = lambda _owner_id, _day: None


#: ``app/factory.py`` connects it.
domain = Domain()


def append(record: Record) -> None:
    """Add a record to the chain of its owner, when the current unit of work commits."""
    before_commit(_write, record)


def _write(records: Sequence[Record]) -> None:
    """Write the records of a transaction. Chains are locked in one order, and nothing is locked after them."""
    for owner_id in sorted({record.owner_id for record in records}):
        own = [record for record in records if record.owner_id == owner_id]
        head = _lock_head(owner_id) or _begin(owner_id)
        if head.position == 0:
            own.insert(0, Record(owner_id, BEGUN, facts=domain.state_before(owner_id)))
        _store(owner_id, head, own)


def _lock_head(owner_id: int) -> _Head | None:
    columns = (EvidenceChain.chain_id, EvidenceChain.position, EvidenceChain.hash, EvidenceChain.last_at)
    row = db.session.execute(select(*columns).where(EvidenceChain.owner_id == owner_id).with_for_update()).first()
    return _Head(str(row.chain_id), row.position, row.hash, row.last_at) if row else None


def _begin(owner_id: int) -> _Head:
    """Create the chain of an owner, unless another transaction just did; it is locked then."""
    values = {"owner_id": owner_id, "chain_id": new_uuid(), "last_at": clock.now()}
    db.session.execute(insert(EvidenceChain).values(values).on_conflict_do_nothing())
    head = _lock_head(owner_id)
    if head is None:
        raise RuntimeError("a chain was removed while its first record was written")
    return head


def _store(owner_id: int, head: _Head, records: Sequence[Record]) -> None:
    rows = [_row(head, record) for record in records]
    names = ("positions", "hashes", "kinds", "moments", "einvoices", "bodies", "salts", "sources")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    moved = {"position": head.position, "hash": head.hash, "last_at": head.last_at}
    db.session.execute(_STORE, {"owner_id": owner_id, **moved, **columns})


def _row(head: _Head, record: Record) -> tuple[Any, ...]:
    """The row of a record, which becomes the head."""
    # The clock may have been set back; a record never seems older than the one before it.
    head.last_at, salt = max(head.last_at, clock.now()), new_salt() if record.sealed is not None else None
    body: dict[str, Any] = {
        "at": head.last_at,
        "chain": head.chain_id,
        "facts": record.facts,
        "kind": record.kind,
        "position": head.position + 1,
        "prev": head.hash,
        "v": FORMAT,
    }
    if record.einvoice_id is not None:
        body["einvoice"] = record.einvoice_id
    if salt is not None and record.sealed is not None:
        body["sealed"] = commitment(salt, record.sealed)
    raw = canonical(body)
    head.position, head.hash = head.position + 1, leaf_hash(raw)
    facts = (record.kind, head.last_at, record.einvoice_id, raw.decode(), salt, record.source_id)
    return (head.position, head.hash, *facts)
