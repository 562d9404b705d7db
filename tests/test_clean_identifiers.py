"""Migration of stored identifiers: it cleans invisible ends, logs collisions, and doctor lists them later."""

from __future__ import annotations

import importlib.util
import logging
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.identifiers import INVISIBLE
from app.operations import doctor
from app.operations.doctor_findings import State
from tests.test_migrations import FOLDER, downgrade, empty, fill, migrating, upgrade

__all__ = ("empty", "migrating")  # the fixtures
BEFORE, REVISION = "0013", "0014"


def migration() -> Any:
    [path] = FOLDER.glob(f"versions/{REVISION}_*.py")
    spec = importlib.util.spec_from_file_location("clean_identifiers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def values(engine: sa.Engine, table: str, column: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text(f"SELECT {column} FROM {table} ORDER BY id")))


@pytest.mark.slow
def test_every_stored_identifier_is_cleaned_and_stays_so_when_it_goes_down(empty: sa.Engine) -> None:
    upgrade(BEFORE)
    fill(empty)
    columns = [(table, column) for table, names in migration().COLUMNS.items() for column in names]
    with empty.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for table, column in columns:
            dirty: Any = "\ufeffjose\u0301 1\t "
            dirty = [dirty] if column in migration().LISTS else dirty
            connection.execute(sa.text(f"UPDATE {table} SET {column} = :dirty"), {"dirty": dirty})
    upgrade(REVISION)
    for table, column in columns:
        clean = ["josé 1"] if column in migration().LISTS else "josé 1"
        assert values(empty, table, column) == [clean], (table, column)
    downgrade(BEFORE)
    assert values(empty, "customers", "code") == ["josé 1"]
    assert values(empty, "users", "email") == ["josé 1"]
    upgrade(REVISION)


@pytest.mark.slow
def test_a_collision_is_logged_and_both_rows_stay(empty: sa.Engine, caplog: pytest.LogCaptureFixture) -> None:
    upgrade(BEFORE)
    codes = ["C1", "C1 ", "C2\u200b", "C2\t", "Ünal", "\u200b"]
    with empty.begin() as connection:
        for code in codes:
            row = {"code": code, "name": "C"}
            connection.execute(
                sa.text("INSERT INTO customers (code, name, search, created_at, updated_at)"
                        " VALUES (:code, :name, '', now(), now())"), row
            )  # fmt: skip
    logger = logging.getLogger("alembic.runtime.migration")
    logger.disabled = False
    with caplog.at_level(logging.WARNING, logger.name):
        upgrade(REVISION)
    # The first row gets the clean code, as the first import of a number is the one that counts.
    assert values(empty, "customers", "code") == ["C1", "C1 ", "C2", "C2\t", "Ünal", "\u200b"]
    messages = [record.getMessage() for record in caplog.records if "stays" in record.getMessage()]
    assert messages == [
        "customers 2: code 'C1 ' stays, because another row has 'C1'",
        "customers 4: code 'C2\\t' stays, because another row has 'C2'",
        "customers 6: code '\\u200b' stays, because it has no visible character",
    ]


@pytest.mark.slow
def test_a_text_that_nfc_makes_too_long_is_logged_and_stays(empty: sa.Engine, caplog: pytest.LogCaptureFixture) -> None:
    upgrade(BEFORE)
    with empty.begin() as connection:
        for code in ("\u0958" * 50, "C1 "):  # NFC writes U+0958 as two characters
            connection.execute(
                sa.text("INSERT INTO customers (code, name, search, created_at, updated_at)"
                        " VALUES (:code, 'C', '', now(), now())"), {"code": code}
            )  # fmt: skip
    logger = logging.getLogger("alembic.runtime.migration")
    logger.disabled = False
    with caplog.at_level(logging.WARNING, logger.name):
        upgrade(REVISION)
    assert values(empty, "customers", "code") == ["\u0958" * 50, "C1"]
    assert [record.getMessage()[-24:] for record in caplog.records if "stays" in record.getMessage()] == [
        "its form NFC is too long"
    ]


def test_the_migration_and_the_hub_know_the_same_characters() -> None:
    assert migration().INVISIBLE == INVISIBLE


def test_doctor_lists_identifiers_that_are_not_clean(app: Hub, erp: FlaskClient) -> None:
    with db.engine.begin() as connection:
        for code in ("C1", "C1 ", "Ünal"):
            connection.execute(
                sa.text("INSERT INTO customers (code, name, search, created_at, updated_at)"
                        " VALUES (:code, 'C', '', now(), now())"), {"code": code}
            )  # fmt: skip
        row_id = connection.scalar(sa.text("SELECT id FROM customers WHERE code = 'C1 '"))
    [finding] = [finding for finding in doctor.run_checks() if finding.subject == "identifiers"]
    assert finding.state is State.WARNING
    assert finding.message.endswith(f"in the rows with id {row_id}")
    assert finding.remedy


def test_doctor_knows_unique_columns_of_the_migration(app: Hub) -> None:
    for table, column in doctor._UNIQUE_IDENTIFIERS.items():
        assert column in migration().COLUMNS[table]
        uniques = sa.inspect(db.engine).get_unique_constraints(table)
        assert [column] in [unique["column_names"] for unique in uniques]
