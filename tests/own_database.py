"""A database of its own for a test that changes tables: a copy of a migrated one, which takes a moment to make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import flask_migrate
import pytest
from sqlalchemy import make_url, text

from app.config import Settings
from app.extensions import db
from app.kernel import clock
from app.kernel.database import month_partitions
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work


def _in_postgres(statement: str) -> None:
    """Run a statement that no transaction may contain."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def _with_database(settings: Settings, name: str) -> Settings:
    url = make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
    return replace(settings, database_url=url)


@pytest.fixture(scope="session")
def _template(_migrated: Hub, settings: Settings) -> str:
    """Name of a migrated database that is copied and that nothing else uses."""
    from tests.conftest import another_app, close_connections, restored_singletons  # noqa: PLC0415 - it loads this file

    name = "migrated"
    _in_postgres(f"CREATE DATABASE {name}")
    with restored_singletons():
        other = another_app(_with_database(settings, name))
        with other.app_context():
            flask_migrate.upgrade()
        close_connections(other)
    return name


@pytest.fixture
def own_database(app: Hub, app_with: Callable[..., Hub], settings: Settings, _template: str) -> Iterator[Hub]:
    """An application over a database that the test alone uses, so that it may change the tables."""
    from tests.conftest import close_connections  # noqa: PLC0415 - it loads this file

    _in_postgres(f"CREATE DATABASE own TEMPLATE {_template}")
    other = app_with(database_url=_with_database(settings, "own").database_url)
    with other.app_context():
        yield other
        db.session.remove()
    close_connections(other)
    _in_postgres("DROP DATABASE own WITH (FORCE)")


@pytest.fixture
def months(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """Advance the clock to the beginning of a later month; returns the end of the names of its partitions."""
    begun = clock.now()

    def pass_by(count: int) -> str:
        year, month = divmod(begun.year * 12 + begun.month - 1 + count, 12)
        moment = datetime(year, month + 1, 1, 0, 5, tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda: moment)
        return f"{year}_{month + 1:02}"

    return pass_by


def partition_names(table: str) -> list[str]:
    """Names of the partitions of a table, the oldest first."""
    with unit_of_work():
        return [partition.name for partition in month_partitions.list_partitions(table)]
