"""Two stores as one: files are written to the first, and read from the second if the first does not have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from app.kernel.storage.file_store import Blocks, FileFacts, FileStore


class PairedStore:
    """The store ``main``, and ``also``, whose files are read and removed too while they are moved."""

    def __init__(self, main: FileStore, also: FileStore) -> None:
        self.main, self.also = main, also
        self.is_remote = main.is_remote or also.is_remote

    def __str__(self) -> str:
        return f"{self.main} (reads also {self.also})"

    def write(self, path: str, content: bytes) -> None:
        self.main.write(path, content)

    def facts(self, path: str) -> FileFacts | None:
        return self.main.facts(path) or self.also.facts(path)

    def sha256(self, path: str) -> str | None:
        return self.main.sha256(path) or self.also.sha256(path)

    def blocks(self, path: str, start: int = 0, stop: int | None = None) -> Blocks:
        try:
            return self.main.blocks(path, start, stop)
        except FileNotFoundError:
            return self.also.blocks(path, start, stop)

    def snapshot(self, path: str) -> IO[bytes]:
        try:
            return self.main.snapshot(path)
        except FileNotFoundError:
            return self.also.snapshot(path)

    def local_path(self, path: str) -> Path | None:
        """None, even of a folder: the file may be in the other store."""
        return None

    def staging_folder(self) -> Path | None:
        return self.main.staging_folder()

    def remove(self, path: str) -> None:
        """Remove a file from both.

        A move first writes a copy and then looks whether the original is still there. So the original goes first:
        either the move finds that it is gone, or this call removes the copy.
        """
        self.also.remove(path)
        self.main.remove(path)

    def walk(self, prefix: str = "") -> Iterator[FileFacts]:
        seen = set()
        for each in self.main.walk(prefix):
            seen.add(each.path)
            yield each
        yield from (each for each in self.also.walk(prefix) if each.path not in seen)

    def check(self) -> None:
        self.main.check()
        self.also.check()

    def replace_all(self, unpacked: Path) -> None:
        self.main.replace_all(unpacked)
        for each in list(self.also.walk()):
            self.also.remove(each.path)
