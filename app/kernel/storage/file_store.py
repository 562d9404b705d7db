"""The interface of a store of files: a file is written whole, never changed, and removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from app.kernel.errors import Busy
from app.kernel.messages import N_

#: Bytes of one block of a file that is read.
BLOCK = 1 << 16
#: Folder of files that are thrown away after minutes: no backup has them, no object lock keeps them.
PASSING = "on-demand"
#: Folder of the files of e-invoices, which an object lock keeps.
LEGAL = "einvoices"


class StorageUnavailable(Busy):
    """The object store does not answer, or refuses the hub; ``reason`` is for operators and has no credential."""

    message = N_("The storage of files does not answer; try again shortly.")
    code = "STORAGE_UNAVAILABLE"

    def __init__(self, *, reason: str = "") -> None:
        super().__init__(headers={"Retry-After": "5"})
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A stored file: its path in the store, its size in bytes, and when it was written."""

    path: str
    size: int
    modified: datetime


class Blocks(Protocol):
    """The bytes of a file in blocks; whoever does not read them to the end closes them."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None: ...


class FileStore(Protocol):
    """A store of files. A path has parts with ``/`` between them. A missing file raises ``FileNotFoundError``.

    Every method may raise ``StorageUnavailable``, and that of a folder ``OSError``.
    """

    #: Whether calls are requests to another machine, which may take seconds.
    is_remote: bool

    def __str__(self) -> str:
        """The place, for people; without a credential."""

    def write(self, path: str, content: bytes) -> None:
        """Store a file whole and check what was stored: a reader sees all of it or nothing."""

    def facts(self, path: str) -> FileFacts | None:
        """Size and time of a file; None if there is none."""

    def sha256(self, path: str) -> str | None:
        """The SHA-256 of a file as it is stored; None if there is none."""

    def blocks(self, path: str, start: int = 0, stop: int | None = None) -> Blocks:
        """The bytes from ``start`` to before ``stop``, in blocks. A fault of the beginning is raised by the call."""

    def snapshot(self, path: str) -> IO[bytes]:
        """An open file with the content, which stays readable when the file is removed."""

    def local_path(self, path: str) -> Path | None:
        """The file on this machine, if the store is a folder."""

    def staging_folder(self) -> Path | None:
        """Where ``replace_all`` wants its files unpacked; None: anywhere."""

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""

    def walk(self, prefix: str = "") -> Iterator[FileFacts]:
        """All files whose path begins with ``prefix``, also passing ones; not those that are being written."""

    def check(self) -> None:
        """Raise an error if files can probably not be stored; it takes a second at most."""

    def replace_all(self, unpacked: Path) -> None:
        """Store the files of a folder, and remove all others, passing ones too."""
