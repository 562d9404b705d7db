"""Helpers of the backup tests: run the commands, read rows and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click.testing import Result

from app.extensions import db
from app.kernel.http.app import Hub

PASSPHRASE = "a passphrase of the tests"


def run_command(hub: Hub, *words: str) -> Result:
    with hub.app_context():
        return hub.test_cli_runner().invoke(args=["hub", *words])


def output_of_success(result: Result) -> str:
    assert result.exit_code == 0, f"{result.output}{result.exception}"
    return result.output


def output_of_refusal(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    return result.output


#: Action of the entry that a restore adds to the restored audit trail.
RESTORED = "backup.restored"


def database_rows(hub: Hub) -> dict[str, list[Any]]:
    """All rows of the database by table, and the values of its sequences; without the entry of a restore."""
    with hub.app_context():
        metadata = sa.MetaData()
        metadata.reflect(db.engine)
        with db.engine.connect() as connection:
            rows = {
                table.name: sorted(map(str, connection.execute(sa.select(table)))) for table in metadata.tables.values()
            }
            for name in rows.keys() & {"audit_entries", "audit_entries_first"}:
                rows[name] = [row for row in rows[name] if RESTORED not in row]
            sequences = sa.text("SELECT sequencename, last_value FROM pg_sequences WHERE sequencename <> :n ORDER BY 1")
            sequences = sequences.bindparams(n="audit_entries_id_seq")
            return {**rows, "sequences": [tuple(row) for row in connection.execute(sequences)]}


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def passphrase_file(folder: Path, text: str = PASSPHRASE) -> str:
    path = folder / "passphrase"
    path.write_text(f"{text}\n")
    return str(path)
