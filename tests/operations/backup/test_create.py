"""Creation of backups: existing target, failure, missing files."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.kernel.http.app import Hub
from tests.operations.backup.backup_helpers import output_of_refusal, output_of_success, run_command


def test_an_existing_backup_is_not_overwritten(app: Hub, tmp_path: Path) -> None:
    (tmp_path / "hub.backup").write_bytes(b"the last one")
    assert "exists already" in output_of_refusal(run_command(app, "backup", str(tmp_path / "hub.backup")))
    assert (tmp_path / "hub.backup").read_bytes() == b"the last one"
    assert (tmp_path / "hub.backup").exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "hub.backup"]


def test_a_failed_backup_leaves_no_file(app: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.operations.backup.postgres_client.find_program", lambda _name: "false")
    assert "pg_dump failed" in output_of_refusal(run_command(app, "backup", str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_missing_on_the_disk_are_listed(app: Hub, filled: Path, tmp_path: Path) -> None:
    (filled / "einvoices/0/1-a.pdf").unlink()
    result = run_command(app, "backup", str(tmp_path))
    assert "einvoices/0/1-a.pdf is in the database but not in" in output_of_success(result)
    assert len(list(tmp_path.glob("invoice-hub-*.backup"))) == 1
