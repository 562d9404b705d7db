"""The files of a package, in a ZIP file or in a folder."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

CHUNK = 1 << 20


class Package:
    """A package; a file of it that is not there reads as empty."""

    def __init__(self, place: Path) -> None:
        self.folder = place
        self.zip = zipfile.ZipFile(place) if place.is_file() else None
        files = [path for path in place.rglob("*") if path.is_file()] if self.zip is None else []
        packed = self.zip.infolist() if self.zip else []
        names = [each.filename for each in packed if each.file_size or not each.is_dir()]
        #: How often the package has each name; folders are none.
        self.names = Counter(names or [path.relative_to(place).as_posix() for path in files])

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        if name not in self.names:
            return io.BytesIO()
        return self.zip.open(name) if self.zip else (self.folder / name).open("rb")

    def digest(self, name: str) -> tuple[str, int]:
        """SHA-256 and size of a file."""
        found, size = hashlib.sha256(), 0
        with self.open(name) as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
                size += len(chunk)
        return found.hexdigest(), size

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file."""
        with self.open(name) as file:
            for line in file:
                yield line.rstrip(b"\n")

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of a CSV file."""
        with self.open(name) as file:
            return list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"), newline="")))
