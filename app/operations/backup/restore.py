"""Restore of a backup: verify all of it, then restore the database in one transaction, then the files."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from psycopg import sql
from redis.exceptions import RedisError

from app.extensions import db
from app.kernel import json
from app.kernel.database import schema_migrations
from app.kernel.storage.file_store import FileStore
from app.kernel.storage.stores import file_store
from app.kernel.worker import heartbeat
from app.operations.backup import archive, postgres_client
from app.operations.backup.archive import DATABASE, STORAGE, BrokenBackupError, Manifest
from app.operations.backup.create import list_tables
from app.operations.storage.stored_files import kept_files

#: Tables that hold rows in a new installation too.
_IGNORED_TABLES = {"alembic_version", "event_head", "queue_canaries", "failed_tasks"}
_STAGING = ".restore-"
#: A setting at the beginning of a script of ``pg_restore``.
_SETTING = re.compile(rb"^SET (\w+) = [^\n]*", re.MULTILINE)
_BEGINNING_BYTES = 4096


class RestoreRefusedError(Exception):
    """The restore was refused and nothing was changed; the message gives the reason and the remedy."""


def verify(source: Path, passphrase: str | None = None) -> Manifest:
    """Read and check a backup completely.

    Raises:
        BrokenBackupError: the backup is incomplete or was changed.
    """
    return archive.read(source, passphrase, lambda _name, _content: None)


def restore(source: Path, passphrase: str | None = None, *, actor: str, overwrite: bool = False) -> Manifest:
    """Restore the state of this installation at the time of the backup; the restored audit trail says so.

    Raises:
        RestoreRefusedError: the hub runs, holds data (unless ``overwrite``), or is older than the backup.
        BrokenBackupError: the backup is incomplete or was changed.
        postgres_client.ProgramError: the restore of the database failed; the database is unchanged.
        StorageUnavailable: the store of files does not answer.
    """
    store = file_store()
    store.check()
    _require_stopped()
    if not overwrite:
        _require_empty(store)
    with tempfile.TemporaryDirectory(prefix=_STAGING, dir=store.staging_folder()) as staging:
        unpacked = Path(staging)
        manifest = archive.read(source, passphrase, lambda name, content: _unpack(unpacked, name, content))
        _require_known_revision(manifest)
        _replace_database(unpacked, manifest, actor)
        store.replace_all(unpacked / STORAGE)
    return manifest


def _require_stopped() -> None:
    try:
        running = [process.name for process in heartbeat.processes() if not process.is_lost]
    except RedisError:
        return  # without Redis no worker runs; the lock timeout of the restore detects a web process
    if running:
        raise RestoreRefusedError(f"The hub runs ({', '.join(running)}). Stop it first.")


def _require_empty(store: FileStore) -> None:
    with postgres_client.connect() as connection:
        for table in set(list_tables(connection)) - _IGNORED_TABLES:
            query = sql.SQL("SELECT true FROM {} LIMIT 1").format(sql.Identifier(table))
            if connection.execute(query).fetchone():
                raise RestoreRefusedError(f"The database holds data ({table}). To replace it, use --overwrite.")
    if next(kept_files(store), None):
        raise RestoreRefusedError(f"{store} holds files. To replace them, use --overwrite.")


def _require_known_revision(manifest: Manifest) -> None:
    scripts = schema_migrations.scripts()
    if manifest.revision not in {script.revision for script in scripts.walk_revisions()}:
        raise RestoreRefusedError(
            f"The backup is of a newer hub ({manifest.hub_version}, revision {manifest.revision}). "
            "Upgrade this one first."
        )


def _unpack(staging: Path, name: str, content: bytes) -> None:
    """Write a stored file, or append a part of the dump to one file; ``archive.read`` has validated the names."""
    is_stored_file = name.startswith(STORAGE)
    target = staging / (name if is_stored_file else "database.dump")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb" if is_stored_file else "ab") as file:
        file.write(content)
        if is_stored_file:
            os.fsync(file.fileno())


def _replace_database(staging: Path, manifest: Manifest, actor: str) -> None:
    dump, script = staging / "database.dump", staging / "database.sql"
    if not dump.exists():
        raise BrokenBackupError(f"The backup holds no {DATABASE}.")
    _run("pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(dump))
    _leave_out_unknown_settings(script)
    db.session.remove()
    db.engine.dispose()
    begin = "SET lock_timeout = '10s'; DROP SCHEMA public CASCADE"
    quiet = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction")
    steps = (f"--command={begin}", f"--file={script}", f"--command={_row_count_check(manifest)}")
    _run("psql", *quiet, *steps, f"--command={_audit_entry(manifest, actor)}")
    with postgres_client.connect() as connection:
        connection.autocommit = True
        connection.execute("ANALYZE")


def _leave_out_unknown_settings(script: Path) -> None:
    """Turn settings that the server does not know into comments: the programs may be newer than the server."""
    with postgres_client.connect() as connection:
        known = {name.encode() for (name,) in connection.execute("SELECT name FROM pg_settings")}

    def keep_known(match: re.Match[bytes]) -> bytes:
        return match[0] if match[1] in known else b"--" + match[0][2:]

    with script.open("r+b") as file:
        beginning = file.read(_BEGINNING_BYTES)
        file.seek(0)
        file.write(_SETTING.sub(keep_known, beginning))  # of the same length


def _audit_entry(manifest: Manifest, actor: str) -> str:
    """SQL that adds the restore to the restored audit trail, which may have the columns of an earlier release."""
    entry = sql.SQL(
        "INSERT INTO public.audit_entries (action, actor, subject, details, created_at)"
        " VALUES ('backup.restored', {actor}, 'hub:restore', {details}, now())"
    )
    details = json.encode_text({"created_at": manifest.created_at, "hub_version": manifest.hub_version})
    return entry.format(actor=sql.Literal(actor), details=sql.Literal(details)).as_string()


def _row_count_check(manifest: Manifest) -> str:
    """SQL that fails, and so rolls back the restore, when the number of rows of a table differs from the backup."""
    check = sql.SQL(
        "IF (SELECT count(*) FROM public.{table}) <> {rows} "
        "THEN RAISE EXCEPTION 'error: other rows than in the backup: %', {name}; END IF;"
    )
    checks = [
        check.format(table=sql.Identifier(table), rows=sql.Literal(rows), name=sql.Literal(table))
        for table, rows in manifest.tables.items()
    ]
    return sql.SQL("DO $check$ BEGIN {} END $check$").format(sql.SQL(" ").join(checks)).as_string()


def _run(name: str, *arguments: str) -> None:
    command = [postgres_client.find_program(name), *arguments]
    done = subprocess.run(  # noqa: S603 - constant arguments; the address is in the environment
        command, env=postgres_client.libpq_environment(), check=False, capture_output=True, stdin=subprocess.DEVNULL
    )
    postgres_client.require_success(name, done.returncode, done.stderr)
