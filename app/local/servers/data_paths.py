"""Paths of the database cluster and of PostgreSQL's programs that the user of PostgreSQL can access."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from app.kernel.postgres_programs import PROGRAMS, WHEEL, wheel_folder
from app.local.console import print_line
from app.local.errors import LocalRunError
from app.local.servers.os_user import OsUser

#: The programs find these libraries by a relative path, so they are copied with them.
_LIBRARIES = Path(f"{WHEEL}.libs")
#: Used only when root runs the hub from a folder that no other user may enter, such as /root.
SHARED_FOLDER = Path("/var/lib/invoice-hub")


def server_folder(wanted: Path, user: OsUser | None) -> Path:
    """Folder of the server: the wanted one, or one in ``SHARED_FOLDER`` with a symbolic link at the wanted path."""
    if wanted.is_symlink() or wanted.exists():
        return _check_reachable(wanted.resolve(), user)
    wanted.mkdir(parents=True, mode=0o700)
    if user is None:
        return wanted.resolve()
    os.chown(wanted, user.uid, user.gid)
    if user.can("-w", wanted):
        return wanted.resolve()
    wanted.rmdir()
    return _in_shared_folder(wanted, user)


def _check_reachable(folder: Path, user: OsUser | None) -> Path:
    if not folder.is_dir():
        raise LocalRunError(f"The database folder {folder} is gone; put it back or choose another DATA_DIR.")
    if user is None and folder.stat().st_uid != os.geteuid():
        raise LocalRunError(f"The database folder {folder} is another user's; choose another DATA_DIR.")
    if user and not user.can("-w", folder):
        raise LocalRunError(f"User {user.name} cannot enter {folder}; allow it or choose another DATA_DIR.")
    return folder


def _in_shared_folder(wanted: Path, user: OsUser) -> Path:
    SHARED_FOLDER.mkdir(parents=True, exist_ok=True)
    SHARED_FOLDER.chmod(0o755)
    digest = hashlib.sha256(os.fsencode(wanted.absolute())).hexdigest()[:8]
    folder = Path(tempfile.mkdtemp(prefix=f"{digest}-", dir=SHARED_FOLDER))
    os.chown(folder, user.uid, user.gid)
    wanted.symlink_to(folder)
    print_line(f"{wanted.parent} is closed to other users, so the database is in {folder}.")
    return folder


def program_folder(user: OsUser | None, programs: Path = PROGRAMS) -> Path:
    """Folder with ``initdb`` and ``postgres``: that of the wheel, or a copy that the user can access."""
    wheel = wheel_folder()
    if wheel is None:
        raise LocalRunError(f"The package {WHEEL} is not installed; run make again.")
    if user is None or user.can("-x", wheel / programs / "postgres"):
        return wheel / programs
    copy = SHARED_FOLDER / f"{programs.parent.name}-{version(WHEEL)}"
    if not copy.exists():
        _copy(wheel, (programs.parent, _LIBRARIES), copy)
    return copy / programs


def _copy(source: Path, trees: Iterable[Path], target: Path) -> None:
    """Copy in a temporary folder and rename it: two hubs may start at once, and a start may be interrupted."""
    SHARED_FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SHARED_FOLDER) as temporary:
        copy = Path(temporary) / "copy"
        for tree in trees:
            shutil.copytree(source / tree, copy / tree, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            copy.rename(target)
        except OSError:
            if not target.exists():
                raise
