"""Command ``flask hub``: backup, verify, restore, doctor, migrate, partitions and wait-for-schema."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO

import click
import psycopg
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.accounts import audit
from app.kernel import clock
from app.kernel.database import month_partitions, schema_migrations
from app.kernel.storage.file_store import StorageUnavailable
from app.kernel.storage.stores import file_store
from app.operations import doctor as doctors
from app.operations import schema_revision
from app.operations.backup import create as backups
from app.operations.backup import restore as backup_restore
from app.operations.backup.archive import BrokenBackupError, Manifest
from app.operations.backup.postgres_client import ProgramError
from app.operations.backup.restore import RestoreRefusedError
from app.operations.cli.accounts import ACTOR, cli_unit_of_work
from app.operations.doctor_findings import State

hub = AppGroup("hub", help="The whole installation: backup, restore, doctor, migrations, month partitions.")
_passphrase = click.option(
    "--passphrase-file",
    type=click.File(),
    help="File whose first line is the passphrase of the backup; without it the backup is not encrypted.",
)
_source = click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
#: How long commands try to make missing month partitions while others lock the tables.
BUSY_SECONDS = 30.0
_FAULTS = (BrokenBackupError, RestoreRefusedError, ProgramError, StorageUnavailable, psycopg.Error, OSError)


@hub.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@_passphrase
def backup(target: Path, passphrase_file: IO[str] | None) -> None:
    """Write database and files to TARGET, a new file or an existing folder; the hub may run meanwhile."""
    if target.is_dir():
        target /= f"invoice-hub-{clock.now():%Y%m%dT%H%M%SZ}.backup"
    if target.exists():
        raise click.ClickException(f"{target} exists already.")
    try:
        manifest = backups.create_backup(target, _first_line(passphrase_file))
    except _FAULTS as error:
        raise _one_line(error) from error
    with cli_unit_of_work():
        audit.record("backup.created", actor=ACTOR, subject=backups.BACKUP_SUBJECT, file=target.name)
    click.echo(f"{target}: {_contents(manifest)}, {target.stat().st_size / 2**20:.1f} MiB.")
    for path in manifest.missing:
        click.echo(f"warning: {path} is in the database but not in {file_store()}.", err=True)
    if manifest.missing:
        click.echo("warning: Render missing PDFs by: flask --app wsgi einvoices pdf --missing", err=True)


@hub.command("verify")
@_source
@_passphrase
def verify(source: Path, passphrase_file: IO[str] | None) -> None:
    """Read and check the backup SOURCE completely; nothing is changed."""
    try:
        manifest = backup_restore.verify(source, _first_line(passphrase_file))
    except _FAULTS as error:
        raise _one_line(error) from error
    click.echo(f"{source} is complete: {_contents(manifest)}, created {manifest.created_at}.")


@hub.command("restore")
@_source
@_passphrase
@click.option("--overwrite", is_flag=True, help="Replace the present data.")
def restore(source: Path, passphrase_file: IO[str] | None, overwrite: bool) -> None:
    """Restore the backup SOURCE into this installation; the hub must not run."""
    try:
        manifest = backup_restore.restore(source, _first_line(passphrase_file), actor=ACTOR, overwrite=overwrite)
    except _FAULTS as error:
        raise _one_line(error) from error
    click.echo(f"Restored {_contents(manifest)}, created {manifest.created_at}.")
    click.echo("Before the hub starts, run: flask --app wsgi hub migrate")


@hub.command("doctor")
def doctor() -> None:
    """Check everything that the hub needs, and print a remedy for each fault."""
    findings = doctors.run_checks()
    for finding in findings:
        click.echo(f"{finding.state.value:<7} {finding.subject:<14} {finding.message}")
        if finding.remedy:
            click.echo(f"{'':<7} {'':<14} -> {finding.remedy}")
    if any(finding.state is State.FAULT for finding in findings):
        raise click.exceptions.Exit(1)


@hub.command("migrate")
def migrate() -> None:
    """Run the migrations of this version and make month partitions, before a start; exit code 1 if one is missing."""
    try:
        schema_migrations.upgrade()
    except OperationalError as error:
        raise _one_line(error.orig or error) from error
    except ProgrammingError as error:
        if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise
        reason = _one_line(error.orig).message
        raise click.ClickException(f"{reason}. The user of DATABASE_URL must own the database.") from error
    _make_partitions()


@hub.command("wait-for-schema")
@click.option("--seconds", type=click.FloatRange(0), default=300, show_default=True, help="Longest wait.")
def wait_for_schema(seconds: float) -> None:
    """Wait until the migrations of this version have run, and make month partitions; exit code 1 if one is missing."""
    if not schema_revision.wait(seconds):
        revision, needed = schema_revision.current(), schema_revision.needed()
        raise click.ClickException(f"The schema has revision {revision}, this hub needs {needed}.")
    _make_partitions()


@hub.command("partitions")
def partitions() -> None:
    """Make the month partitions of the next months now; exit code 1 if one of this month or the next one is missing."""
    for name in _make_partitions():
        click.echo(f"{name} was made.")
    click.echo("The partitions of this month and the next one are there.")


def _make_partitions() -> list[str]:
    made, until = month_partitions.make_ahead(clock.now()), time.monotonic() + BUSY_SECONDS
    while missing := month_partitions.missing_months(clock.now()):
        if time.monotonic() > until:
            raise click.ClickException(f"Month partitions are missing: {', '.join(missing)}. Try again in a minute.")
        time.sleep(1)
        made += month_partitions.make_ahead(clock.now())
    return made


def _first_line(file: IO[str] | None) -> str | None:
    if file is None:
        return None
    line = file.readline().strip()
    if not line:
        raise click.ClickException("The first line of the passphrase file is empty.")
    return line


def _contents(manifest: Manifest) -> str:
    files = sum(1 for name in manifest.members if name.startswith("storage/"))
    return f"{sum(manifest.tables.values())} rows of {len(manifest.tables)} tables and {files} files"


def _one_line(error: BaseException) -> click.ClickException:
    text = f"{error} ({error.reason})" if isinstance(error, StorageUnavailable) else str(error)
    return click.ClickException(text.strip().splitlines()[0])
