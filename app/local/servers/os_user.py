"""System user that runs PostgreSQL when the launcher is root, because PostgreSQL refuses to run as root."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.local.errors import LocalRunError

OWN_USER = "invoice-hub"
#: Users of Debian that are used when no own user can be created.
FALLBACK_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class OsUser:
    """A system user that runs a server."""

    name: str
    uid: int
    gid: int

    @property
    def options(self) -> tuple[str, ...]:
        """Options of ``setpriv`` that switch to this user."""
        return (f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups")

    def can(self, test_option: str, path: Path) -> bool:
        """Whether ``test`` with this option succeeds for the user, so that the kernel decides about the access."""
        command = ["setpriv", *self.options, "test", test_option, str(path)]
        return subprocess.run(command, check=False, cwd="/").returncode == 0


def server_user(folder: Path) -> OsUser | None:
    """User for PostgreSQL; None unless the launcher is root.

    Args:
        folder: the folder of the server; when it exists, its owner is the user.
    """
    if os.geteuid() != 0:
        return None
    if folder.exists():
        return _find_user(pwd.getpwuid(folder.stat().st_uid).pw_name)
    _create_own_user()
    for name in (OWN_USER, *FALLBACK_USERS):
        if user := _find_user(name):
            return user
    raise LocalRunError(
        f"PostgreSQL does not run as root and no other user was found. Type: useradd --system {OWN_USER}"
    )


def _find_user(name: str) -> OsUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return OsUser(name, entry.pw_uid, entry.pw_gid) if entry.pw_uid else None


def _create_own_user() -> None:
    if _find_user(OWN_USER) or not (useradd := shutil.which("useradd", path=f"{os.environ['PATH']}:/usr/sbin")):
        return
    # Two hubs may start at once, and a second useradd would change the id of an existing user.
    with Path(useradd).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _find_user(OWN_USER):
            # When this fails, a fallback user is used.
            command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", OWN_USER]
            subprocess.run(command, check=False, capture_output=True)
