"""Legal documents that came with e-invoices: checked when they come, and kept in the file of the simulator."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.formats.legal_format import LegalFormat

#: Documents whose content is kept; of older ones only the facts are.
MOST_CONTENTS = 200
_LONGEST_TEXT = 200
_TEXTS = ("format", "media_type", "file_name", "sha256")


@dataclass(frozen=True, slots=True)
class LegalFile:
    """A legal document as it was received; ``content`` is None when it is not kept any more."""

    format: str
    media_type: str
    file_name: str
    sha256: str
    content: bytes | None


def read_file(said: Any) -> LegalFile | None:
    """The document of a request; None if it has none.

    Raises:
        ValueError: it is incomplete, or its hash or size does not fit its content; the message says what.
    """
    if said is None:
        return None
    if not isinstance(said, dict) or not all(_is_text(said.get(name)) for name in (*_TEXTS, "content")):
        raise ValueError("The document needs format, media_type, file_name, sha256 and content.")
    if said["format"] not in set(LegalFormat):
        raise ValueError("The document has an unknown format.")
    try:
        content = base64.b64decode(said["content"], validate=True)
    except ValueError as error:
        raise ValueError("The content of the document is no base64.") from error
    if said.get("size") != len(content) or said["sha256"] != hashlib.sha256(content).hexdigest():
        raise ValueError("The size or the sha256 of the document does not fit its content.")
    return LegalFile(**{name: said[name][:_LONGEST_TEXT] for name in _TEXTS}, content=content)


class LegalFileTable:
    """The documents by the id of their e-invoice; the caller holds the lock of the store."""

    def __init__(self, execute: Callable[..., sqlite3.Cursor]) -> None:
        self._execute = execute

    def add(self, document_id: int, file: LegalFile | None) -> None:
        """Store the document of an e-invoice, and forget the oldest content."""
        if file is None:
            return
        facts = (file.format, file.media_type, file.file_name, file.sha256, len(file.content or b""), file.content)
        self._execute("INSERT INTO legal_files VALUES (?, ?, ?, ?, ?, ?, ?)", document_id, *facts)
        self._execute(
            "UPDATE legal_files SET content = NULL WHERE document_id = (SELECT document_id FROM legal_files "
            "WHERE content IS NOT NULL ORDER BY document_id DESC LIMIT 1 OFFSET ?)",
            MOST_CONTENTS,
        )

    def find(self, document_id: int) -> LegalFile | None:
        """The document of an e-invoice."""
        names = "format, media_type, file_name, sha256, content"
        row = self._execute(f"SELECT {names} FROM legal_files WHERE document_id = ?", document_id).fetchone()  # noqa: S608 - fixed names
        return None if row is None else LegalFile(**row)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
