"""Files of PDFs and other documents in the store of the hub, with names that contain a hash of the content."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import IO

import structlog
from flask import Response, send_file

from app.kernel.http.byte_ranges import apply_conditions, sent_range
from app.kernel.storage.file_store import FileFacts
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import after_commit, commit_early
from app.pdf import file_removals
from app.pdf.models import PrintedDocument

log = structlog.get_logger(__name__)
#: Categories of Unicode that a file name cannot contain: controls, line and paragraph ends, halves of pairs.
_BREAKING = frozenset({"Cc", "Zl", "Zp", "Cs"})
_PATH_SIGNS = frozenset("/\\")


@dataclass(frozen=True, slots=True)
class StoredPdf:
    """A stored file: its path in the store, its SHA-256, its name for downloads, its size and time."""

    path: str
    sha256: str
    name: str
    facts: FileFacts

    def snapshot(self) -> IO[bytes]:
        """An open file with the content, which stays readable when the file is removed.

        Raises:
            FileNotFoundError: the file was removed since it was found.
        """
        return file_store().snapshot(self.path)


def release_connection() -> None:
    """Give the database connection back before requests to a remote store, which may take seconds.

    What the unit of work has written so far is committed.
    """
    if file_store().is_remote:
        commit_early()


def stored_file(row: PrintedDocument | None, name: str) -> StoredPdf | None:
    """The file of a row; None if the row has none or the file is missing. A remote store is asked without connection.

    Raises:
        StorageUnavailable: the store does not answer.
    """
    if row is None or row.path is None:
        return None
    return find_file(row.path, row.sha256 or "", name)


def find_file(path: str, sha256: str, name: str) -> StoredPdf | None:
    """As ``stored_file``, for a path."""
    release_connection()
    facts = file_store().facts(path)
    if facts is None:
        log.error("pdf_file_missing", path=path)
        return None
    return StoredPdf(path, sha256, name, facts)


def send_pdf(stored: StoredPdf, *, download: bool, media_type: str = "application/pdf") -> Response:
    """An answer with the file; its hash is the ``ETag``, and range requests work.

    Raises:
        StorageUnavailable: the store does not answer.
        RangeNotSatisfiable: the requested range begins behind the end.
    """
    store = file_store()
    local = store.local_path(stored.path)
    answer = send_file(
        local or io.BytesIO(),  # of a remote store, the wanted blocks are asked for below
        mimetype=media_type,
        as_attachment=download,
        download_name=safe_file_name(stored.name),
        conditional=False,
        etag=stored.sha256,
        last_modified=stored.facts.modified,
    )
    # A browser keeps it, and asks by its ETag whether it is still current.
    answer.headers["Cache-Control"] = "private, no-cache"
    if local is not None:
        return apply_conditions(answer)
    answer.content_length = stored.facts.size
    answer = apply_conditions(answer)
    if part := sent_range(answer, stored.facts.size):
        release_connection()
        blocks = store.blocks(stored.path, *part)
        answer.response = blocks
        answer.call_on_close(blocks.close)
    return answer


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
    """Store a file whole: a reader sees all of it or nothing. A removal of the path that waits is cancelled.

    Raises:
        StorageUnavailable: the store does not answer; nothing refers to what it may have stored.
    """
    store = file_store()
    if store.is_remote:
        file_removals.cancel(path)
    store.write(path, content)


def read(path: str) -> bytes:
    """The content of a file.

    Raises:
        FileNotFoundError: there is no such file.
        StorageUnavailable: the store does not answer.
    """
    return b"".join(file_store().blocks(path))


def is_whole(path: str, sha256: str) -> bool:
    """Whether there is a file with this hash; a remote store is asked without connection."""
    release_connection()
    return file_store().sha256(path) == sha256


def missing_of(paths: Iterator[str]) -> Iterator[str]:
    """Those of sorted paths that have no file: one listing for each folder, not one request for each file."""
    for folder, group in groupby(paths, key=lambda path: path.rpartition("/")[0]):
        stored = set(map(attrgetter("path"), file_store().walk(f"{folder}/")))
        yield from (path for path in group if path not in stored)


def remove_unused(path: str) -> None:
    """Delete a file that no row refers to, while the caller holds the lock that keeps it so."""
    store = file_store()
    if store.is_remote:
        file_removals.add(path)
    else:
        store.remove(path)


def remove_after_commit(path: str) -> None:
    """Delete a file once the transaction is committed. A remote store may fail, so the removal is a row then."""
    store = file_store()
    if store.is_remote:
        file_removals.add(path)
    else:
        after_commit(partial(store.remove, path))
