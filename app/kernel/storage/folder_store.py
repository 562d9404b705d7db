"""A store of files in a folder of the file system."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from app.kernel.storage.file_store import BLOCK, Blocks, FileFacts
from app.kernel.system.private_folders import make_private_folder

_REPLACED = ".replaced-"


class FolderStore:
    """Files below a folder; names with a leading dot are files that are being written or replaced."""

    is_remote = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def write(self, path: str, content: bytes) -> None:
        """Write a file atomically and synced."""
        make_private_folder(self.folder)
        target = self.folder / path
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

    def facts(self, path: str) -> FileFacts | None:
        file = self.folder / path
        return _facts(path, file) if file.is_file() else None

    def sha256(self, path: str) -> str | None:
        try:
            with (self.folder / path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None

    def blocks(self, path: str, start: int = 0, stop: int | None = None) -> Blocks:
        return _FileBlocks(self.snapshot(path), start, stop)

    def snapshot(self, path: str) -> IO[bytes]:
        """The file itself: an open file stays readable when its name is removed."""
        return (self.folder / path).open("rb")

    def local_path(self, path: str) -> Path | None:
        return self.folder / path

    def staging_folder(self) -> Path | None:
        """The folder itself, which may be a separate volume: files are moved, not copied."""
        return self.folder

    def remove(self, path: str) -> None:
        (self.folder / path).unlink(missing_ok=True)

    def walk(self, prefix: str = "") -> Iterator[FileFacts]:
        for file in sorted((self.folder / prefix.rpartition("/")[0]).rglob("*")):
            parts = file.relative_to(self.folder).parts
            path = "/".join(parts)
            if path.startswith(prefix) and not any(part.startswith(".") for part in parts) and file.is_file():
                try:
                    yield _facts(path, file)
                except FileNotFoundError:  # removed since it was listed
                    continue

    def check(self) -> None:
        make_private_folder(self.folder)
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise PermissionError(str(self.folder))

    def replace_all(self, unpacked: Path) -> None:
        """Move the present files aside, then move the unpacked files in; a crash in between loses neither."""
        aside = Path(tempfile.mkdtemp(prefix=_REPLACED, dir=self.folder))
        for old in [entry for entry in self.folder.iterdir() if not entry.name.startswith(".")]:
            old.rename(aside / old.name)
        for new in unpacked.iterdir() if unpacked.exists() else ():
            new.rename(self.folder / new.name)
        shutil.rmtree(aside)


def _facts(path: str, file: Path) -> FileFacts:
    found = file.stat()
    return FileFacts(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


class _FileBlocks:
    """The blocks of an open file."""

    def __init__(self, file: IO[bytes], start: int, stop: int | None) -> None:
        file.seek(start)
        self._file, self._left = file, sys.maxsize if stop is None else stop - start

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = b"" if self._file.closed else self._file.read(min(BLOCK, self._left))
        if not block:
            self.close()
            raise StopIteration
        self._left -= len(block)
        return block

    def close(self) -> None:
        self._file.close()
