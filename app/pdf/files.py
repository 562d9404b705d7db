"""Files of PDFs: stored atomically below ``STORAGE_DIR``, with names that contain a hash of the content."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from flask import Response, current_app, send_file

from app.kernel.http.byte_ranges import apply_conditions
from app.kernel.system.private_folders import make_private_folder
from app.pdf.models import PrintedDocument

log = structlog.get_logger(__name__)
#: Categories of Unicode that a file name cannot contain: controls, line and paragraph ends, halves of pairs.
_BREAKING = frozenset({"Cc", "Zl", "Zp", "Cs"})
_PATH_SIGNS = frozenset("/\\")


@dataclass(frozen=True, slots=True)
class StoredPdf:
    """A stored file: its path, its SHA-256 and its name for downloads."""

    path: Path
    sha256: str
    name: str


def storage_folder() -> Path:
    """The folder of all stored files (``STORAGE_DIR``)."""
    folder: Path = current_app.config["STORAGE_DIR"]
    return folder


def stored_file(row: PrintedDocument | None, name: str) -> StoredPdf | None:
    """The file of a row; None if the row has none or the file is missing on the disk."""
    if row is None or row.path is None:
        return None
    path = storage_folder() / row.path
    if not path.is_file():
        log.error("pdf_file_missing", path=row.path)
        return None
    return StoredPdf(path, row.sha256 or "", name)


def send_pdf(stored: StoredPdf, *, download: bool, media_type: str = "application/pdf") -> Response:
    """An answer with the file; its hash is the ``ETag``, and range requests work."""
    answer = send_file(
        stored.path,
        mimetype=media_type,
        as_attachment=download,
        download_name=safe_file_name(stored.name),
        conditional=False,
        etag=stored.sha256,
    )
    # A browser keeps it, and asks by its ETag whether it is still current.
    answer.headers["Cache-Control"] = "private, no-cache"
    return apply_conditions(answer)


def safe_file_name(name: str) -> str:
    """The name without what breaks a header, hides the ending, or names a folder.

    Line ends and control characters become ``_``. Invisible characters are left out: U+202E would show
    ``fdp.exe`` as ``exe.pdf``.
    """
    kept = (character for character in name if unicodedata.category(character) != "Cf")
    return "".join(
        "_" if character in _PATH_SIGNS or unicodedata.category(character) in _BREAKING else character
        for character in kept
    )


def write(path: str, content: bytes) -> None:
    """Write a file atomically: a reader sees all of it or nothing."""
    folder = storage_folder()
    make_private_folder(folder)
    target = folder / path
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
    """Delete a file, if it exists."""
    (storage_folder() / path).unlink(missing_ok=True)


def file_remover(path: str) -> Callable[[], None]:
    """A function that deletes the file later, outside of the application context too."""
    target = storage_folder() / path
    return lambda: target.unlink(missing_ok=True)
