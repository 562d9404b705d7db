"""Migrations: their result agrees with the models, and each runs up and down on filled tables."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql

from app.config import Settings
from app.extensions import db
from app.kernel.database import schema_migrations
from app.kernel.database.month_partitions import partition_names
from app.kernel.http.app import Hub
from tests.conftest import another_app, restored_singletons

FOLDER = Path(__file__).resolve().parents[1] / "migrations"
DATABASE = "migrations"
REVISIONS = [script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()][::-1]


@pytest.fixture(scope="module")
def migrating(_migrated: Hub, settings: Settings) -> Hub:
    """An application over a database of its own, which each test makes anew."""
    url = sa.make_url(settings.database_url).set(database=DATABASE).render_as_string(hide_password=False)
    with restored_singletons():
        return another_app(replace(settings, database_url=url))


@pytest.fixture
def empty(app: Hub, migrating: Hub) -> Iterator[sa.Engine]:
    """An empty database, and the context of an application over it."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {DATABASE}"))
    with migrating.app_context():
        yield db.engine
        db.engine.dispose()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"DROP DATABASE {DATABASE} WITH (FORCE)"))


def upgrade(revision: str) -> None:
    flask_migrate.upgrade(revision=revision)


def test_a_server_that_is_too_old_is_refused_before_the_first_migration(
    empty: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_migrations, "OLDEST_SERVER", 99)
    with pytest.raises(click.ClickException, match=r"^PostgreSQL \d\d is too old; the hub needs 99 or later\.$"):
        flask_migrate.upgrade()
    assert sa.inspect(empty).get_table_names() == []


def test_a_user_without_rights_is_told_in_one_line(empty: sa.Engine, migrating: Hub) -> None:
    with empty.begin() as connection:
        connection.execute(sa.text("CREATE ROLE powerless"))

    def become_powerless(connection: Any, _record: object) -> None:
        connection.execute("SET ROLE powerless")
        connection.commit()

    empty.dispose()
    sa.event.listen(empty, "connect", become_powerless)
    try:
        result = migrating.test_cli_runner().invoke(args=["hub", "migrate"])
    finally:
        sa.event.remove(empty, "connect", become_powerless)
        empty.dispose()
        with empty.begin() as connection:
            connection.execute(sa.text("DROP ROLE powerless"))
    assert result.exit_code == 1
    said = "permission denied for schema public. The user of DATABASE_URL must own the database."
    assert result.output.splitlines()[-1] == f"Error: {said}"


def downgrade(revision: str) -> None:
    flask_migrate.downgrade(revision=revision)


#: Each column, index and constraint of the tables as the server describes it.
SHAPE = """
SELECT c.relname, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       a.attgenerated, a.attcollation, pg_get_expr(d.adbin, d.adrelid))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT c.relname, concat_ws(' ', k.conname, pg_get_constraintdef(k.oid), k.convalidated)
FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT c.relname, pg_get_triggerdef(t.oid)
FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
WHERE c.relnamespace = 'public'::regnamespace
"""


def shape(engine: sa.Engine) -> set[tuple[str, str]]:
    """Return what each table has."""
    with engine.connect() as connection:
        found = {(table, part) for table, part in connection.execute(sa.text(SHAPE))}
    return {(table, part) for table, part in found if table != "alembic_version"}


#: Rows whose checks nobody could guess: table -> column -> value.
FACTS: dict[str, dict[str, Any]] = {
    "fabric_ledger_rows": {"type": "IN"},
    "seller_profiles": {"prefix": "EA"},
    "access_tokens": {"lifetime_days": 90},
    "e_invoices": {"status": "draft", "type": "sale", "grand_total": 2},
    "e_invoice_items": {"total": 2},
}


def a_value(column: sa.Column[Any], checks: list[str]) -> Any:
    """Return a valid value of a column; values that a CHECK allows are taken from the CHECK."""
    if column.name in FACTS.get(column.table.name, {}):
        return FACTS[column.table.name][column.name]
    for check in checks:
        words = re.findall(r"'(\w+)'", check)
        if words and re.search(rf"\b{column.name}\b", check):
            return words[0]
    kinds: list[tuple[type[Any], Any]] = [
        (sa.Uuid, uuid.uuid4()),
        (postgresql.ARRAY, []),
        (postgresql.JSONB, {"a": 1}),
        (sa.JSON, {"a": 1}),
        (sa.Boolean, True),
        (sa.DateTime, datetime(2025, 1, 18, tzinfo=UTC)),
        (sa.Date, date(2025, 1, 18)),
        (sa.LargeBinary, b"x"),
        (sa.Float, 1.0),
        (sa.Numeric, Decimal(1)),
        (sa.Integer, 1),
        (sa.String, "x"),
    ]
    return next((value for kind, value in kinds if isinstance(column.type, kind)), None)


def empty_tables(connection: sa.Connection) -> list[str]:
    """Return the names of the tables without a row."""
    names = sorted(set(sa.inspect(connection).get_table_names()) - {"alembic_version"} - partition_names(connection))
    # The two names are constants of the schema.
    parts = [f"SELECT '{name}' WHERE NOT EXISTS (SELECT FROM {name})" for name in names]
    return list(connection.scalars(sa.text(" UNION ALL ".join(parts)))) if parts else []


def fill(engine: sa.Engine) -> None:
    """Insert one row into every empty table at the present revision."""
    seen = sa.MetaData()
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # references may point nowhere
        if not (names := empty_tables(connection)):
            return
        seen.reflect(connection, only=names, resolve_fks=False)
        checks_of_tables = sa.inspect(connection).get_multi_check_constraints(filter_names=names)
        for table in seen.tables.values():
            checks = [check["sqltext"] for check in checks_of_tables[None, table.name]]
            made = [c for c in table.columns if c.identity is None and c.computed is None]
            needed = [c for c in made if not c.nullable and c.server_default is None]
            connection.execute(table.insert().values({column.name: a_value(column, checks) for column in needed}))


def test_models_and_migrations_agree(app: Hub) -> None:
    with db.engine.connect() as connection:
        partitions = partition_names(connection)
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _parents: kind != "table" or name not in partitions,
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, db.metadata) == []


def test_checks_of_models_and_migrations_are_the_same(app: Hub) -> None:
    """Compare the names of CHECK constraints, which Alembic does not compare."""
    looking = sa.inspect(db.engine)
    for table in db.metadata.sorted_tables:
        declared = {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
        assert {check["name"] for check in looking.get_check_constraints(table.name)} == declared, table.name


def test_revisions_have_one_head(app: Hub) -> None:
    assert len(ScriptDirectory(str(FOLDER)).get_heads()) == 1
    assert REVISIONS


@pytest.mark.slow
def test_every_revision_goes_up_and_down_over_filled_tables(empty: sa.Engine) -> None:
    shapes = [shape(empty)]
    for revision in REVISIONS:
        upgrade(revision)
        shapes.append(shape(empty))
        fill(empty)
    with empty.connect() as connection:
        assert empty_tables(connection) == []
    for revision, before in zip(reversed(REVISIONS), shapes[-2::-1], strict=True):
        downgrade("-1")
        assert shape(empty) == before, f"{revision} does not undo itself"
    upgrade("head")
    assert shape(empty) == shapes[-1], "a revision that was undone does something else the second time"


@pytest.fixture
def start(empty: sa.Engine, settings: Settings) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start ``flask db upgrade`` in several processes."""
    own = {"HUB_ENV": "test", "SECRET_KEY": settings.secret_key, "STORAGE_DIR": str(settings.storage_dir)}
    url = empty.url.render_as_string(hide_password=False)
    environment = {**os.environ, **own, "DATABASE_URL": url, "REDIS_URL": settings.redis_url}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            subprocess.Popen(command, cwd=FOLDER.parent, env=environment, stderr=subprocess.PIPE, text=True)
        )


@pytest.mark.slow
def test_two_starts_at_the_same_time_migrate_one_after_the_other(start: Callable[[], subprocess.Popen[str]]) -> None:
    """An index made ``CONCURRENTLY`` waits for every statement, also for one that waits for the lock of migrations."""
    upgrade(REVISIONS[0])
    starts = [start(), start()]
    said = [each.communicate(timeout=60)[1] for each in starts]
    assert [each.returncode for each in starts] == [0, 0], said
    assert sorted(line.count("Running upgrade") for line in said) == [0, len(REVISIONS) - 1]


@pytest.mark.drill
def test_a_start_after_a_killed_one_waits_for_the_statement_that_still_runs(
    empty: sa.Engine, start: Callable[[], subprocess.Popen[str]]
) -> None:
    """PostgreSQL goes on building an index whose client is gone; dropping it meanwhile would be a deadlock."""
    upgrade("0011")
    making = sa.text("SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()")
    # Alembic's statements begin with an empty line.
    dropping = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND ltrim(query, E'\\n') LIKE 'DROP%'"
    )
    with empty.connect() as writer, empty.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
        writer.execute(sa.text("LOCK TABLE e_invoices IN ROW EXCLUSIVE MODE"))
        killed = start()
        while not looking.scalar(making):
            assert killed.poll() is None
            time.sleep(0.05)
        killed.kill()
        killed.wait()
        again = start()
        until = time.monotonic() + 8  # loading takes about two
        while time.monotonic() < until:
            assert (again.poll(), looking.scalar(dropping)) == (None, 0)
            time.sleep(0.05)
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0, said


@pytest.mark.slow
def test_search_words_of_stored_rows_are_folded_and_restored(empty: sa.Engine) -> None:
    upgrade("0009")
    fill(empty)
    with empty.begin() as connection:
        connection.execute(sa.text("UPDATE customers SET name = 'İSTANBUL Eczanesi', search = ''"))
        connection.execute(
            sa.text("UPDATE sales_items SET name = 'Işık', invoice_id = (SELECT id FROM sales_invoices)")
        )

    def found() -> list[str]:
        query = "SELECT search::text FROM customers UNION ALL SELECT search::text FROM sales_invoices"
        with empty.connect() as connection:
            return list(connection.scalars(sa.text(query)))

    upgrade("0010")
    assert found() == ["'eczanesi' 'istanbul' 'x'", "'isik' 'x'"]
    downgrade("0009")
    assert found() == ["'eczanesi' 'i' 'stanbul' 'x'", "'işık' 'x'"]


@pytest.mark.slow
def test_an_endpoint_gets_the_token_that_made_it(empty: sa.Engine) -> None:
    upgrade("0015")
    fill(empty)
    with empty.begin() as connection:
        token, endpoint = (
            connection.scalar(sa.text(f"SELECT id FROM {table}")) for table in ("access_tokens", "webhook_endpoints")
        )
        statement = sa.text(
            "UPDATE audit_entries SET action = 'webhook_endpoint.created', actor = :actor, subject = :s"
        )
        connection.execute(statement, {"actor": f"token:{token}", "s": f"webhook_endpoint:{endpoint}"})
    upgrade("0016")
    with empty.connect() as connection:
        assert connection.scalar(sa.text("SELECT token_id FROM webhook_endpoints")) == token


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "attempts", "in_doubt"), [("pending", 0, False), ("pending", 2, True), ("failed", 5, False)]
)
def test_a_sending_that_was_attempted_is_in_doubt(empty: sa.Engine, state: str, attempts: int, in_doubt: bool) -> None:
    upgrade("0017")
    fill(empty)
    with empty.begin() as connection:
        statement = sa.text("UPDATE e_invoice_sendings SET state = :state, attempts = :attempts")
        connection.execute(statement, {"state": state, "attempts": attempts})
    upgrade("0018")
    with empty.connect() as connection:
        assert connection.scalar(sa.text("SELECT in_doubt FROM e_invoice_sendings")) is in_doubt


@pytest.mark.slow
def test_a_cancelled_correction_beside_another_one_is_unlinked(empty: sa.Engine) -> None:
    upgrade("0025")
    fill(empty)
    with empty.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        columns = (
            "owner_id, status, type, buyer_name, currency, provider, subtotal, discount_total, tax_total, grand_total"
        )
        columns += ", created_at, updated_at"
        copy = f"INSERT INTO e_invoices (corrects_id, {columns}) SELECT e.id, {columns} FROM e_invoices e"
        rejected, *_ = connection.scalars(sa.text("SELECT id FROM e_invoices")).all()
        connection.execute(sa.text(f"{copy} WHERE e.id = :id"), {"id": rejected})
        connection.execute(sa.text("UPDATE e_invoices SET status = 'cancelled' WHERE corrects_id IS NOT NULL"))
        connection.execute(sa.text(f"{copy} WHERE e.id = :id"), {"id": rejected})
        ids = connection.scalars(sa.text("SELECT id FROM e_invoices ORDER BY id")).all()
        connection.execute(
            sa.text("UPDATE e_invoices SET corrected_by_id = :c WHERE id = :id"), {"c": ids[2], "id": ids[0]}
        )
    downgrade("-1")
    with empty.connect() as connection:
        linked = connection.scalars(sa.text("SELECT corrects_id FROM e_invoices ORDER BY id")).all()
    assert linked == [None, None, ids[0]]


@pytest.mark.slow
def test_stored_words_of_providers_get_the_plain_i_besides(empty: sa.Engine) -> None:
    upgrade("0040")
    fill(empty)
    before = {"i\u0307ptal": "rejected", "onaylandı": "accepted", "onaylandi": "rejected", "red": "rejected"}
    with empty.begin() as connection:
        connection.execute(sa.text("UPDATE provider_accounts SET mapping = :words"), {"words": json.dumps(before)})
    upgrade("0041")
    with empty.connect() as connection:
        assert connection.scalar(sa.text("SELECT mapping FROM provider_accounts")) == {**before, "iptal": "rejected"}
    downgrade("0040")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("einvoice", "e_invoices"),
        ("provider_account", "provider_accounts"),
        ("webhook_endpoint", "webhook_endpoints"),
        ("webhook_delivery", "webhook_deliveries"),
    ],
)
def test_the_owner_of_an_object_reads_its_entries(empty: sa.Engine, kind: str, table: str) -> None:
    upgrade("0041")
    fill(empty)
    with empty.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text("UPDATE webhook_deliveries SET endpoint_id = (SELECT id FROM webhook_endpoints)"))
        row = connection.scalar(sa.text(f"SELECT id FROM {table}"))
        connection.execute(sa.text("UPDATE audit_entries SET subject = :subject"), {"subject": f"{kind}:{row}"})
        copy = "INSERT INTO audit_entries (action, actor, subject, details, created_at) SELECT action, actor, :subject"
        for subject in (f"{kind}s:failed", f"{kind}:{row}0", "user:1"):
            connection.execute(sa.text(f"{copy}, details, created_at FROM audit_entries LIMIT 1"), {"subject": subject})
    upgrade("0042")
    with empty.connect() as connection:
        found = connection.execute(sa.text("SELECT owner_id FROM audit_entries ORDER BY id")).scalars().all()
    assert [owner is not None for owner in found] == [True, False, False, False]
