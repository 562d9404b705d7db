"""Creation of a backup while the hub runs: one snapshot of the database, and every file that its rows refer to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
from flask import current_app
from psycopg import sql

from app.kernel import clock
from app.kernel.storage.file_store import FileStore
from app.kernel.storage.stores import file_store
from app.operations.backup import postgres_client
from app.operations.backup.archive import DATABASE, PART_BYTES, STORAGE, ArchiveWriter, Manifest, create_archive
from app.operations.storage.stored_files import kept_files, list_models

#: Subject of a backup in the audit trail, by which its age is known.
BACKUP_SUBJECT = "hub:backup"


def create_backup(target: Path, passphrase: str | None = None) -> Manifest:
    """Write a backup to ``target``.

    A stored file never changes: it is created before the row that refers to it, and removed after that row. So the
    backup copies the files first, then the snapshot of the database, then the files that were created in between.

    Raises:
        postgres_client.ProgramError: ``pg_dump`` failed or is not installed.
        OSError: for example, the disk is full.
        StorageUnavailable: the store of files does not answer.
    """
    store = file_store()
    with postgres_client.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        manifest = Manifest(
            hub_version=current_app.config["API_VERSION"], revision="", created_at=clock.iso(clock.now())
        )
        with create_archive(target, manifest, passphrase) as archive:
            _add_files(archive, store)
            _fill_manifest(connection, manifest)
            _add_dump(archive, connection)
            _add_files(archive, store)
            referenced = _referenced_paths(connection)
            manifest.missing = sorted(path for path in referenced if f"{STORAGE}{path}" not in manifest.members)
    return manifest


def list_tables(connection: psycopg.Connection) -> list[str]:
    """Names of all tables of the hub; the rows of month partitions are those of their tables."""
    query = """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1
    """
    return [name for (name,) in connection.execute(query)]


def _add_files(archive: ArchiveWriter, store: FileStore) -> None:
    for each in kept_files(store):
        name = f"{STORAGE}{each.path}"
        if name in archive.manifest.members:
            continue
        try:
            content = b"".join(store.blocks(each.path))
        except FileNotFoundError:  # a newer file replaced it since it was listed
            continue
        archive.add(name, content)


def _fill_manifest(connection: psycopg.Connection, manifest: Manifest) -> None:
    # The first statement takes the snapshot that all later statements and the dump use.
    [revision] = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    manifest.revision = revision
    for table in list_tables(connection):
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        manifest.tables[table] = row[0] if row else 0


def _add_dump(archive: ArchiveWriter, connection: psycopg.Connection) -> None:
    [snapshot] = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
    command = [postgres_client.find_program("pg_dump"), "--format=custom", "--schema=public", f"--snapshot={snapshot}"]
    with subprocess.Popen(  # noqa: S603 - constant arguments; the address is in the environment
        command, env=postgres_client.libpq_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as dump:
        number = 0
        while content := dump.stdout.read(PART_BYTES) if dump.stdout else b"":
            archive.add(f"{DATABASE}{number:06}", content)
            number += 1
        stderr = dump.stderr.read() if dump.stderr else b""
    postgres_client.require_success("pg_dump", dump.returncode, stderr)


def _referenced_paths(connection: psycopg.Connection) -> set[str]:
    paths: set[str] = set()
    for model in list_models():
        query = sql.SQL("SELECT path FROM {} WHERE path IS NOT NULL")
        rows = connection.execute(query.format(sql.Identifier(model.__tablename__)))
        paths.update(path for (path,) in rows)
    return paths
