"""SHA-256 of rule sets: of a file, of the files of a package, and of modules of the hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

#: Files of a package that differ between installations of the same version.
_OF_THE_INSTALLATION = (".dist-info/", "__pycache__/", "../")


def file_sha256(path: Path) -> str:
    """The hash of the bytes of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def package_sha256(distribution: str) -> str:
    """The hash of what a package contains: of the names and hashes of its files."""
    files = metadata.files(distribution) or ()
    lines = sorted(
        f"{file.as_posix()} {file.hash.value}"
        for file in files
        if file.hash is not None and not any(part in file.as_posix() for part in _OF_THE_INSTALLATION)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sources_sha256(paths: Iterable[Path]) -> str:
    """The hash of modules of the hub that have rules."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()
