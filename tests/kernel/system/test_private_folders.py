"""Private folders: only their owner can list them."""

from __future__ import annotations

import stat
from pathlib import Path

from app.kernel.http.app import Hub
from app.kernel.system.private_folders import close_folder, is_open_to_others, make_private_folder
from app.pdf import files


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a/b")
    assert mode(tmp_path / "a/b") == 0o700


def test_an_existing_folder_is_closed_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    make_private_folder(folder)
    assert is_open_to_others(folder)
    close_folder(folder)
    assert not is_open_to_others(folder)


def test_stored_files_are_private(app: Hub, tmp_path: Path) -> None:
    before, app.config["STORAGE_DIR"] = app.config["STORAGE_DIR"], tmp_path / "storage"
    try:
        files.write("einvoices/0/1.pdf", b"x")
    finally:
        app.config["STORAGE_DIR"] = before
    assert mode(tmp_path / "storage") == 0o700
    assert mode(tmp_path / "storage/einvoices/0/1.pdf") == 0o600
