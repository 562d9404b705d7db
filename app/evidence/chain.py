"""Appending to the chain of an owner: one writer at a time, last in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import psycopg
from sqlalchemy.dialects.postgresql import insert

from app.evidence.models import EvidenceChain
from app.evidence.record_bytes import FORMAT, canonical, commitment, leaf_hash, new_salt
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import before_commit
from app.kernel.uuids import new_uuid

#: Kind of the first record of each chain.
BEGUN = "begun"

#: These statements are in the way of each issue, so they go to the driver directly.
_LOCK = "SELECT chain_id, position, hash, last_at FROM evidence_chains WHERE owner_id = %s FOR UPDATE"
_INSERT = """
    INSERT INTO evidence_entries (owner_id, position, hash, kind, at, einvoice_id, body, salt, source_id)
    VALUES (%(owner_id)s, %(position)s, %(hash)s, %(kind)s, %(at)s, %(einvoice_id)s, %(body)s, %(salt)s, %(source_id)s)
"""
_INSERT_LAST = f"""
    WITH moved AS (
        UPDATE evidence_chains SET position = %(position)s, hash = %(hash)s, last_at = %(at)s
        WHERE owner_id = %(owner_id)s
    ) {_INSERT}
"""  # noqa: S608 - only the statement above is put in
#: Appends one record to a chain that has begun, in one round trip: the chain is locked for less time. The database
#: adds what depends on the record before to the canonical bytes, in the order of the keys, and hashes them.
_APPEND = """
    WITH head AS (
        SELECT chain_id, position + 1 AS position, hash AS prev, greatest(last_at, %(now)s::timestamptz) AS at
        FROM evidence_chains WHERE owner_id = %(owner_id)s AND position > 0 FOR UPDATE
    ), record AS (
        SELECT position, at,
            '{"at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","chain":"' || chain_id
            || '",' || %(middle)s::text || ',"position":' || position || ',"prev":"' || prev || '",' || %(end)s::text
            AS body
        FROM head
    ), hashed AS (
        SELECT position, at, body, encode(sha256('\\x00'::bytea || convert_to(body, 'UTF8')), 'hex') AS hash FROM record
    ), moved AS (
        UPDATE evidence_chains SET position = hashed.position, hash = hashed.hash, last_at = hashed.at
        FROM hashed WHERE owner_id = %(owner_id)s
    )
    INSERT INTO evidence_entries (owner_id, position, hash, kind, at, einvoice_id, body, salt, source_id)
    SELECT %(owner_id)s, position, hash, %(kind)s, at, %(einvoice_id)s::bigint, body, %(salt)s::bytea,
        %(source_id)s::bigint
    FROM hashed
"""


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
        if len(own) == 1 and _append_one(own[0]):
            continue
        head = _lock_head(owner_id) or _begin(owner_id)
        if head.position == 0:
            own.insert(0, Record(owner_id, BEGUN, facts=domain.state_before(owner_id)))
        _store(head, own)


def _append_one(record: Record) -> bool:
    """Append a record; False if its chain has not begun."""
    salt, stated = _stated(record)
    middle = {name: stated[name] for name in ("einvoice", "facts", "kind") if name in stated}
    end = {name: stated[name] for name in ("sealed", "v") if name in stated}
    values = {
        "now": clock.now(),
        "owner_id": record.owner_id,
        "kind": record.kind,
        "einvoice_id": record.einvoice_id,
        "middle": canonical(middle)[1:-1].decode(),
        "end": canonical(end)[1:].decode(),
        "salt": salt,
        "source_id": record.source_id,
    }
    return bool(_cursor().execute(_APPEND, values).rowcount)


def _lock_head(owner_id: int) -> _Head | None:
    row = _cursor().execute(_LOCK, [owner_id]).fetchone()
    return _Head(str(row[0]), *row[1:]) if row else None


def _begin(owner_id: int) -> _Head:
    """Create the chain of an owner, unless another transaction just did; it is locked then."""
    values = {"owner_id": owner_id, "chain_id": new_uuid(), "last_at": clock.now()}
    db.session.execute(insert(EvidenceChain).values(values).on_conflict_do_nothing())
    head = _lock_head(owner_id)
    if head is None:
        raise RuntimeError("a chain was removed while its first record was written")
    return head


def _store(head: _Head, records: Sequence[Record]) -> None:
    *earlier, last = [_row(head, record) for record in records]
    cursor = _cursor()
    if earlier:
        cursor.executemany(_INSERT, earlier)
    cursor.execute(_INSERT_LAST, last)


def _cursor() -> psycopg.Cursor[Any]:
    cursor: psycopg.Cursor[Any] = db.session.connection().connection.driver_connection.cursor()
    return cursor


def _row(head: _Head, record: Record) -> dict[str, Any]:
    """The row of a record, which becomes the head."""
    # The clock may have been set back; a record never seems older than the one before it.
    head.last_at = max(head.last_at, clock.now())
    salt, stated = _stated(record)
    place = {"at": head.last_at, "chain": head.chain_id, "position": head.position + 1, "prev": head.hash}
    raw = canonical({**stated, **place})
    head.position, head.hash = head.position + 1, leaf_hash(raw)
    return {
        "owner_id": record.owner_id,
        "position": head.position,
        "hash": head.hash,
        "kind": record.kind,
        "at": head.last_at,
        "einvoice_id": record.einvoice_id,
        "body": raw.decode(),
        "salt": salt,
        "source_id": record.source_id,
    }


def _stated(record: Record) -> tuple[bytes | None, dict[str, Any]]:
    """The salt of a record, and what it states wherever it stands in the chain."""
    stated: dict[str, Any] = {"facts": record.facts, "kind": record.kind, "v": FORMAT}
    if record.einvoice_id is not None:
        stated["einvoice"] = record.einvoice_id
    if record.sealed is None:
        return None, stated
    salt = new_salt()
    return salt, {**stated, "sealed": commitment(salt, record.sealed)}
