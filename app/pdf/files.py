"""Where PDFs lie: stored whole or not at all, under names that their content gives."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from flask import Response, current_app, send_file

from app.pdf.models import PrintedDocument

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredPdf:
    """A file, what it hashes to, and what it is called when it is downloaded."""

    path: Path
    sha256: str
    name: str


def storage_folder() -> Path:
    """Below which everything is stored."""
    below: Path = current_app.config["STORAGE_DIR"]
    return below


def stored_file(row: PrintedDocument | None, name: str) -> StoredPdf | None:
    """The file of a row; None where there is none, or it is gone from the disk."""
    if row is None or row.path is None:
        return None
    path = storage_folder() / row.path
    if not path.is_file():
        log.error("pdf_file_missing", path=row.path)
        return None
    return StoredPdf(path, row.sha256 or "", name)


def send_pdf(stored: StoredPdf, *, download: bool) -> Response:
    """A file as an answer, with its hash as ``ETag``; ranges work."""
    return send_file(
        stored.path,
        mimetype="application/pdf",
        as_attachment=download,
        download_name=stored.name,
        conditional=True,
        etag=stored.sha256,
        max_age=0,
    )


def write(path: str, content: bytes) -> None:
    """Store a file; a reader sees all of it or nothing."""
    target = storage_folder() / path
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


def remove(path: str) -> None:
    """Take a file away; one that is gone already is no fault."""
    (storage_folder() / path).unlink(missing_ok=True)


def file_remover(path: str) -> Callable[[], None]:
    """The same for later, when the application's context may be another."""
    target = storage_folder() / path
    return lambda: target.unlink(missing_ok=True)
