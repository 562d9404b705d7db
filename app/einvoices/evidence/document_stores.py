"""Stores of documents that are made of an e-invoice besides its PDF, such as XML and JSON.

Who stores such a document records it by ``chain_records.record_artefact`` in the same transaction, and adds its store
to ``STORES``: so the document is part of the package of its month, and goes when personal data has to go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document: its format as its record names it, and its file, whose suffix the package keeps."""

    einvoice_id: int
    format: str
    path: Path


@dataclass(frozen=True, slots=True)
class DocumentStore:
    """How to read and remove the documents of a store.

    Attributes:
        newest_of: the newest document of each format of some e-invoices.
        remove: remove all documents of an e-invoice when the current unit of work commits.
    """

    newest_of: Callable[[Sequence[int]], Iterable[StoredDocument]]
    remove: Callable[[int], None]


STORES: list[DocumentStore] = []
