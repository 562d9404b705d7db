"""Taking a backup while the hub runs: the database at one moment, and every file that its rows speak of."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
from flask import current_app
from psycopg import sql

from app.kernel import clock
from app.operations.backup import postgres_client
from app.operations.backup.archive import DATABASE, PART_BYTES, STORAGE, ArchiveWriter, Manifest, create_archive
from app.pdf.print_queue import PRINT_QUEUES


def create_backup(target: Path, passphrase: str | None = None) -> Manifest:
    """Write a backup to ``target``.

    Files are never changed, only made before the row that names them and removed after it has gone. So the files
    are taken first, then the database at one moment, then the files that have come in between.

    Raises:
        postgres_client.ProgramError: ``pg_dump`` failed or is not there.
        OSError: the disk is full, say.
    """
    folder: Path = current_app.config["STORAGE_DIR"]
    with postgres_client.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        manifest = Manifest(
            hub_version=current_app.config["API_VERSION"], revision="", created_at=clock.iso(clock.now())
        )
        with create_archive(target, manifest, passphrase) as archive:
            _add_files(archive, folder)
            _fill_manifest(connection, manifest)
            _add_dump(archive, connection)
            _add_files(archive, folder)
            spoken_of = _referenced_paths(connection)
            manifest.missing = sorted(path for path in spoken_of if f"{STORAGE}{path}" not in manifest.members)
    return manifest


def stored_files(folder: Path) -> Iterator[Path]:
    """Every stored file; what begins with a dot is being written or being restored."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def list_tables(connection: psycopg.Connection) -> list[str]:
    """All tables of the hub."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    return [name for (name,) in connection.execute(query)]


def _add_files(archive: ArchiveWriter, folder: Path) -> None:
    for path in stored_files(folder):
        name = f"{STORAGE}{path.relative_to(folder).as_posix()}"
        if name in archive.manifest.members:
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # replaced by a newer one since it was listed
            continue
        archive.add(name, content)


def _fill_manifest(connection: psycopg.Connection, manifest: Manifest) -> None:
    # The first statement fixes the moment that all further ones, and the dump, see.
    [revision] = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    manifest.revision = revision
    for table in list_tables(connection):
        counted = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        manifest.tables[table] = counted[0] if counted else 0


def _add_dump(archive: ArchiveWriter, connection: psycopg.Connection) -> None:
    [snapshot] = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
    command = [postgres_client.find_program("pg_dump"), "--format=custom", "--schema=public", f"--snapshot={snapshot}"]
    with subprocess.Popen(  # noqa: S603 - our own words; the address goes by the environment
        command, env=postgres_client.libpq_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as dump:
        number = 0
        while content := dump.stdout.read(PART_BYTES) if dump.stdout else b"":
            archive.add(f"{DATABASE}{number:06}", content)
            number += 1
        said = dump.stderr.read() if dump.stderr else b""
    postgres_client.require_success("pg_dump", dump.returncode, said)


def _referenced_paths(connection: psycopg.Connection) -> set[str]:
    found: set[str] = set()
    for press in PRINT_QUEUES:
        query = sql.SQL("SELECT path FROM {} WHERE path IS NOT NULL")
        rows = connection.execute(query.format(sql.Identifier(press.rows.__tablename__)))
        found.update(path for (path,) in rows)
    return found
