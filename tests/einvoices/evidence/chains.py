"""Helpers of the tests of evidence: read a chain, and check it as the documented format says."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.evidence.models import EvidenceChain, EvidenceEntry
from app.evidence.record_bytes import NO_HASH, canonical, leaf_hash
from app.extensions import db
from app.kernel import json


def rows_of(owner_id: int) -> list[Any]:
    """The rows of a chain in their order."""
    query = select(EvidenceEntry.__table__).where(EvidenceEntry.owner_id == owner_id).order_by(EvidenceEntry.position)
    with db.engine.connect() as connection:
        return list(connection.execute(query))


def chain_of(owner_id: int) -> list[dict[str, Any]]:
    """The records of a chain; fails if they are not linked from the first to the head."""
    rows = rows_of(owner_id)
    records = [json.decode(row.body) for row in rows]
    assert [record["position"] for record in records] == list(range(1, len(rows) + 1))
    assert [canonical(record).decode() for record in records] == [row.body for row in rows]
    assert [row.hash for row in rows] == [leaf_hash(row.body.encode()) for row in rows]
    assert [record["prev"] for record in records] == [NO_HASH, *(row.hash for row in rows)][: len(rows)]
    moments = [record["at"] for record in records]
    assert moments == sorted(moments)
    with db.engine.connect() as connection:
        head = connection.execute(select(EvidenceChain.__table__).where(EvidenceChain.owner_id == owner_id)).first()
    if head is not None:
        assert (head.position, head.hash) == (len(rows), rows[-1].hash)
        assert {record["chain"] for record in records} == {str(head.chain_id)}
    return records


def kinds_of(owner_id: int) -> list[str]:
    """The kinds of the records of a chain."""
    return [record["kind"] for record in chain_of(owner_id)]
