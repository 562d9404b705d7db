"""Configuration of Flask-Migrate, which loads its library at the first use.

The library and what it needs take 130 ms and 8 MiB, and only ``flask db`` and commands about the schema need them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy import Connection, text

#: Absolute, so that commands find the migrations from any working directory.
FOLDER = Path(__file__).resolve().parents[3] / "migrations"
_EXTENSION = "migrate"
#: The oldest version of PostgreSQL that has all that the schema uses.
OLDEST_SERVER = 15


class _UnloadedMigrate:
    """Stands in the extensions of an application until somebody asks for an attribute of Flask-Migrate."""

    def __init__(self, app: Flask, db: Any) -> None:
        self._app = app
        self._db = db

    def __getattr__(self, name: str) -> Any:
        from flask_migrate import Migrate  # noqa: PLC0415 - see above

        Migrate(self._app, self._db, directory=str(FOLDER))  # takes this object's place in the extensions
        return getattr(self._app.extensions[_EXTENSION], name)


class _Commands(click.Command):
    """``flask db``: the commands of Flask-Migrate."""

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        from flask_migrate.cli import db  # noqa: PLC0415 - see above

        context: click.Context = db.make_context(*args, **options)
        return context


def register(app: Flask, db: Any) -> None:
    """Add ``flask db``, and tell it where the migrations are."""
    app.extensions[_EXTENSION] = _UnloadedMigrate(app, db)
    app.cli.add_command(_Commands("db", help="Perform database migrations."))


def server_version(connection: Connection) -> int:
    """The major version of the server, such as 17."""
    return int(connection.scalar(text("SHOW server_version_num"))) // 10000


def require_server(connection: Connection) -> None:
    """Raises ``ClickException`` if the server is too old, before a migration fails in the middle."""
    if (version := server_version(connection)) < OLDEST_SERVER:
        raise click.ClickException(f"PostgreSQL {version} is too old; the hub needs {OLDEST_SERVER} or later.")


def upgrade() -> None:
    """Run the migrations that the database lacks."""
    from flask_migrate import upgrade as run  # noqa: PLC0415 - see above

    run()


def scripts() -> Any:
    """The migrations of this hub: Alembic's ``ScriptDirectory``."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    return ScriptDirectory(current_app.extensions[_EXTENSION].directory)
