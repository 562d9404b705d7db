"""Damaged, incomplete and hostile backup files are refused."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from app.kernel.http.app import Hub
from tests.operations.backup.backup_helpers import (
    database_rows,
    files_of,
    output_of_refusal,
    output_of_success,
    run_command,
)


class TestDamage:
    @pytest.fixture
    def target(self, app: Hub, filled: Path, tmp_path: Path) -> Path:
        path = tmp_path / "hub.backup"
        output_of_success(run_command(app, "backup", str(path)))
        return path

    @pytest.mark.slow
    def test_a_changed_byte_is_detected_before_any_change(self, empty: Hub, target: Path) -> None:
        content = target.read_bytes()
        target.write_bytes(content.replace(b"%PDF-1", b"%PDF-2"))
        before = database_rows(empty)
        output = output_of_refusal(run_command(empty, "restore", str(target)))
        assert "is damaged: these members differ from the manifest: storage/einvoices/0/1-a.pdf." in output
        assert database_rows(empty) == before
        assert files_of(empty.config["STORAGE_DIR"]) == {}

    def test_an_incomplete_file_is_refused(self, app: Hub, target: Path) -> None:
        whole = target.read_bytes()
        for kept in (0, 10, 5000, 100_000, len(whole) - 15_000):
            target.write_bytes(whole[:kept])
            output = output_of_refusal(run_command(app, "verify", str(target)))
            assert "cannot be read" in output or "is incomplete" in output

    def test_a_file_of_another_kind_is_refused(self, app: Hub, tmp_path: Path) -> None:
        (tmp_path / "other").write_bytes(b"hello " * 1000)
        assert "cannot be read" in output_of_refusal(run_command(app, "verify", str(tmp_path / "other")))

    def test_names_outside_the_storage_folder_are_refused(self, app: Hub, tmp_path: Path) -> None:
        evil = tmp_path / "evil.backup"
        with tarfile.open(evil, "w") as tar:
            member = tarfile.TarInfo("storage/../../evil")
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        assert "holds an invalid member" in output_of_refusal(run_command(app, "verify", str(evil)))
