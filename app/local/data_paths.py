"""Where the cluster and PostgreSQL's programs lie, so that the user PostgreSQL runs as can reach both."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from app.kernel.postgres_programs import PROGRAMS, WHEEL, wheel_folder
from app.local.console import print_line
from app.local.errors import LocalRunError
from app.local.os_user import OsUser

#: The programs find their libraries by the way from one to the other, so both are copied.
_TREES = (PROGRAMS.parent, Path(f"{WHEEL}.libs"))
#: Used only where root's checkout lies in a folder that no other user may enter, such as /root.
SHARED_FOLDER = Path("/var/lib/invoice-hub")


def server_folder(wanted: Path, account: OsUser | None) -> Path:
    """The server's own folder: the wanted one, or one on common ground behind a link in the wanted place."""
    if wanted.is_symlink() or wanted.exists():
        return _check_reachable(wanted.resolve(), account)
    wanted.mkdir(parents=True, mode=0o700)
    if account is None:
        return wanted.resolve()
    os.chown(wanted, account.uid, account.gid)
    if account.can("-w", wanted):
        return wanted.resolve()
    wanted.rmdir()
    return _in_shared_folder(wanted, account)


def _check_reachable(home: Path, account: OsUser | None) -> Path:
    if not home.is_dir():
        raise LocalRunError(f"The database folder {home} is gone; put it back or choose another DATA_DIR.")
    if account is None and home.stat().st_uid != os.geteuid():
        raise LocalRunError(f"The database folder {home} is another user's; choose another DATA_DIR.")
    if account and not account.can("-w", home):
        raise LocalRunError(f"User {account.name} cannot enter {home}; allow it or choose another DATA_DIR.")
    return home


def _in_shared_folder(wanted: Path, account: OsUser) -> Path:
    SHARED_FOLDER.mkdir(parents=True, exist_ok=True)
    SHARED_FOLDER.chmod(0o755)
    digest = hashlib.sha256(os.fsencode(wanted.absolute())).hexdigest()[:8]
    home = Path(tempfile.mkdtemp(prefix=f"{digest}-", dir=SHARED_FOLDER))
    os.chown(home, account.uid, account.gid)
    wanted.symlink_to(home)
    print_line(f"{wanted.parent} is closed to other users, so the database lies in {home}.")
    return home


def program_folder(account: OsUser | None) -> Path:
    """The folder with ``initdb`` and ``postgres``: the wheel's, or a copy that the user can reach."""
    folder = wheel_folder()
    if folder is None:
        raise LocalRunError(f"The package {WHEEL} is not installed; run make again.")
    programs = folder / PROGRAMS
    if account is None or account.can("-x", programs / "postgres"):
        return programs
    copy = SHARED_FOLDER / f"postgresql-{version(WHEEL)}"
    if not copy.exists():
        _copy(folder, copy)
    return copy / PROGRAMS


def _copy(source: Path, target: Path) -> None:
    """Copy at once or not at all: two hubs may start at the same time, and a start may be cut short."""
    SHARED_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SHARED_FOLDER) as draft:
        made = Path(draft) / "copy"
        for tree in _TREES:
            shutil.copytree(source / tree, made / tree, symlinks=True)
        for path in (made, *made.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            made.rename(target)
        except OSError:
            if not target.exists():
                raise
