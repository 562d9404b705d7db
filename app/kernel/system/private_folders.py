"""Folders that only the user of the hub can list: stored files and metrics name customers and amounts."""

from __future__ import annotations

import stat
from pathlib import Path

PRIVATE, _OTHERS = 0o700, 0o077


def make_private_folder(folder: Path) -> None:
    """Create a folder for its owner only. An existing folder keeps its mode, which the operator may have chosen."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=PRIVATE, exist_ok=True)


def close_folder(folder: Path) -> None:
    """Create a folder for its owner only, or take the rights of all others to an existing one."""
    make_private_folder(folder)
    if is_open_to_others(folder):
        folder.chmod(PRIVATE)


def is_open_to_others(folder: Path) -> bool:
    """Whether other users may list, read or enter a folder."""
    return bool(stat.S_IMODE(folder.stat().st_mode) & _OTHERS)
