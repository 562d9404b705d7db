"""Inclusion proofs: from a record to the root of its day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.evidence import roots
from app.evidence.merkle import MerkleTree
from app.evidence.models import EvidenceEntry, EvidenceRoot
from app.extensions import db

#: Records of one answer.
MAX_RECORDS = 100


@dataclass(frozen=True, slots=True)
class Proof:
    """The way from a record to the root of its day: its ``index`` (from 0), and the hashes beside it."""

    day: date
    index: int
    size: int
    path: list[str]
    root: str


@dataclass(frozen=True, slots=True)
class ProvenRecord:
    """A record as its canonical bytes, and its proof; None while its day is not over."""

    position: int
    hash: str
    record: str
    proof: Proof | None


def records_of(einvoice_id: int, after: int, limit: int = MAX_RECORDS) -> Sequence[EvidenceEntry]:
    """The records of an e-invoice after a position, oldest first."""
    query = select(EvidenceEntry).where(EvidenceEntry.einvoice_id == einvoice_id, EvidenceEntry.position > after)
    return list(db.session.scalars(query.order_by(EvidenceEntry.position).limit(limit)))


def prove(entries: Sequence[EvidenceEntry]) -> list[ProvenRecord]:
    """The proofs of records of one owner in the order of their positions; the tree of a day is built once."""
    proven, root, tree = [], None, None
    for entry in entries:
        if root is None or entry.position > root.last:
            root = roots.root_of(entry.owner_id, entry.position)
            tree = roots.tree_of(root) if root else None
        proof = _proof(entry, root, tree) if root and tree else None
        proven.append(ProvenRecord(entry.position, entry.hash, entry.body, proof))
    return proven


def _proof(entry: EvidenceEntry, root: EvidenceRoot, tree: MerkleTree) -> Proof:
    index = entry.position - root.first
    return Proof(root.day, index, root.last - root.first + 1, tree.inclusion_path(index), root.root)
