"""Commands ``flask hub storage``: move the stored files to another place."""

from __future__ import annotations

import time

import click
from flask.cli import AppGroup

from app.accounts import audit
from app.kernel.storage.file_store import FileStore
from app.kernel.storage.stores import file_store, store_at
from app.operations.cli.accounts import ACTOR, cli_unit_of_work
from app.operations.storage import storage_move
from app.operations.storage.storage_move import Progress
from app.storage_settings import BadLocation, is_inside, parse_location

storage = AppGroup("storage", help="Where files are stored.")
#: Seconds between two lines of progress, and faults that are shown.
_INTERVAL, _SHOWN_FAULTS = 5.0, 20


@storage.command("move")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--remove", is_flag=True, help="Remove each original once its copy is checked.")
def move(source: str, target: str, remove: bool) -> None:
    """Copy all files FROM a folder or s3:// address TO another one, and check each SHA-256; the hub may run.

    Run it again to continue: files that are there already are checked and not copied again. The exit code is 1 if a
    file could not be moved.
    """
    stores = _store("FROM", source), _store("TO", target)
    if str(stores[0]) == str(stores[1]):
        raise click.UsageError("FROM and TO are the same place.")
    if is_inside(parse_location(target), parse_location(source)):
        raise click.UsageError("TO is a part of FROM, so the copies would be copied again.")
    if str(stores[1]) not in str(file_store()):
        click.echo(f"warning: this hub stores its files in {file_store()}, so new files do not go to TO.", err=True)
    progress = storage_move.move(*stores, remove=remove, tell=_Teller())
    with cli_unit_of_work():
        audit.record(
            "storage.moved",
            actor=ACTOR,
            subject="hub:storage",
            moved_from=str(stores[0]),
            moved_to=str(stores[1]),
            copied=progress.copied,
            present=progress.present,
            faults=len(progress.faults),
        )
    click.echo(_line(progress))
    for fault in progress.faults[:_SHOWN_FAULTS]:
        click.echo(f"fault: {fault}", err=True)
    if not progress.is_complete:
        click.echo("Not all files were moved. Run the command again when the faults are gone.", err=True)
        raise click.exceptions.Exit(1)


class _Teller:
    """Prints the progress every few seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self._last >= _INTERVAL:
            self._last = time.monotonic()
            click.echo(_line(progress))


def _line(progress: Progress) -> str:
    size = f"{progress.size / 2**20:.1f} MiB"
    return (
        f"Files copied: {progress.copied} ({size}), there already: {progress.present}, faults: {len(progress.faults)}."
    )


def _store(name: str, location: str) -> FileStore:
    try:
        return store_at(location)
    except BadLocation as error:
        raise click.BadParameter(str(error), param_hint=name) from error
