"""A backup of a hub with data is restored into an empty one; all rows and files are compared."""

from __future__ import annotations

from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.worker import heartbeat
from app.operations.backup import postgres_client
from app.operations.cli.accounts import ACTOR
from tests.operations.backup.backup_helpers import (
    RESTORED,
    database_rows,
    files_of,
    output_of_refusal,
    output_of_success,
    passphrase_file,
    run_command,
)


@pytest.mark.parametrize(
    "encrypted", [pytest.param(False, id="plain"), pytest.param(True, id="encrypted", marks=pytest.mark.slow)]
)
def test_a_restore_gives_the_same_rows_and_files(
    app: Hub, filled: Path, empty: Hub, tmp_path: Path, encrypted: bool
) -> None:
    target = tmp_path / "hub.backup"
    options = ["--passphrase-file", passphrase_file(tmp_path)] if encrypted else []
    count, rows = len(files_of(app.config["STORAGE_DIR"])), database_rows(app)
    assert f"{count} files" in output_of_success(run_command(app, "backup", str(target), *options))
    assert (target.stat().st_mode & 0o777, list(tmp_path.glob(".*"))) == (0o600, [])
    assert (b"%PDF-1" in target.read_bytes()) is not encrypted
    assert "is complete" in output_of_success(run_command(empty, "verify", str(target), *options))
    output_of_success(run_command(empty, "restore", str(target), *options))
    assert database_rows(empty) == rows
    assert sum(map(len, rows.values())) > 20
    assert len(rows["evidence_entries"]) == 2  # so the restored chain is the same
    assert files_of(empty.config["STORAGE_DIR"]) == files_of(filled)
    with empty.app_context():
        flask_migrate.upgrade()
        [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == RESTORED))
        assert (entry.actor, entry.subject, sorted(entry.details)) == (
            ACTOR,
            "hub:restore",
            ["created_at", "hub_version"],
        )


@pytest.mark.slow
def test_data_is_replaced_only_with_overwrite(app: Hub, filled: Path, empty: Hub, tmp_path: Path) -> None:
    target = str(tmp_path / "hub.backup")
    output_of_success(run_command(app, "backup", target))
    output_of_success(run_command(empty, "restore", target))
    before = database_rows(empty)
    (empty.config["STORAGE_DIR"] / "later.pdf").write_bytes(b"later")
    assert "use --overwrite" in output_of_refusal(run_command(empty, "restore", target))
    assert (empty.config["STORAGE_DIR"] / "later.pdf").exists()
    output_of_success(run_command(empty, "restore", target, "--overwrite"))
    assert database_rows(empty) == before
    assert files_of(empty.config["STORAGE_DIR"]) == files_of(filled)


@pytest.mark.slow
def test_settings_that_only_a_newer_server_knows_are_left_out(
    app: Hub, filled: Path, empty: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``pg_restore`` 18 sets ``transaction_timeout``, which PostgreSQL 16 does not know."""
    target, newer, find_program = str(tmp_path / "hub.backup"), tmp_path / "pg_restore", postgres_client.find_program
    newer.write_text(
        "#!/bin/sh\n"
        f'{find_program("pg_restore")} "$@" || exit\n'
        'for each; do case "$each" in --file=*) script="${each#--file=}";; esac; done\n'
        'sed -i "1i SET a_setting_of_next_year = 0;" "$script"\n'
    )
    newer.chmod(0o755)
    output_of_success(run_command(app, "backup", target))
    monkeypatch.setattr(
        postgres_client, "find_program", lambda name: str(newer) if name == "pg_restore" else find_program(name)
    )
    output_of_success(run_command(empty, "restore", target))
    assert sum(map(len, database_rows(empty).values())) > 20


@pytest.mark.slow
def test_files_without_rows_are_data_too(app: Hub, filled: Path, empty: Hub, tmp_path: Path) -> None:
    target = str(tmp_path / "hub.backup")
    output_of_success(run_command(app, "backup", target))
    empty.config["STORAGE_DIR"].mkdir()
    (empty.config["STORAGE_DIR"] / "a.pdf").write_bytes(b"a")
    assert "holds files" in output_of_refusal(run_command(empty, "restore", target))


def test_a_restore_into_a_running_hub_is_refused(app: Hub, tmp_path: Path) -> None:
    target = str(tmp_path / "hub.backup")
    output_of_success(run_command(app, "backup", target))
    heartbeat.Heartbeat("web", "web@here/7").note()
    assert "The hub runs (web@here/7). Stop it first." in output_of_refusal(
        run_command(app, "restore", target, "--overwrite")
    )


@pytest.mark.slow
def test_a_backup_of_a_newer_hub_is_refused(app: Hub, empty: Hub, tmp_path: Path) -> None:
    with db.engine.begin() as connection:
        [before] = connection.execute(sa.text("SELECT version_num FROM alembic_version")).one()
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        output_of_success(run_command(app, "backup", str(tmp_path / "newer")))
    finally:
        with db.engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :before"), {"before": before})
    assert "of a newer hub" in output_of_refusal(run_command(empty, "restore", str(tmp_path / "newer")))
