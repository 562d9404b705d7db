"""PostgreSQL refuses to run as root: whom it runs as instead, and what that user can reach."""

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
#: Users of a Debian that serve when no user of our own can be made.
FALLBACK_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class OsUser:
    """A system user to run a server as."""

    name: str
    uid: int
    gid: int

    @property
    def options(self) -> tuple[str, ...]:
        """What tells ``setpriv`` to become this user."""
        return (f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups")

    def can(self, what: str, path: Path) -> bool:
        """Whether the user may do ``what`` (an option of ``test``); the kernel answers, not our guess."""
        command = ["setpriv", *self.options, "test", what, str(path)]
        return subprocess.run(command, check=False, cwd="/").returncode == 0


def server_user(existing: Path) -> OsUser | None:
    """The user for PostgreSQL, or None when the launcher's own will do.

    Args:
        existing: the server's folder; once made, its owner stays the user.
    """
    if os.geteuid() != 0:
        return None
    if existing.exists():
        return _find_user(pwd.getpwuid(existing.stat().st_uid).pw_name)
    _create_own_user()
    for name in (OWN_USER, *FALLBACK_USERS):
        if account := _find_user(name):
            return account
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
    # Two hubs may start at once, and a second useradd gives a user that is there already another number.
    with Path(useradd).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _find_user(OWN_USER):
            # Where this is refused, one of the stand-ins serves.
            command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", OWN_USER]
            subprocess.run(command, check=False, capture_output=True)
