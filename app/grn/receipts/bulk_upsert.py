"""Bulk INSERT … ON CONFLICT: rows of one table are stored in one statement, and ids come from the sequence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import TextClause, inspect, text

from app.extensions import db
from app.kernel import json
from app.kernel.database import sequences


def assign_ids(rows: Sequence[Any]) -> None:
    """Set the id of each row that has none, in the order of the rows."""
    new = [row for row in rows if row.id is None]
    if not new:
        return
    for row, row_id in zip(new, sequences.reserve_ids(type(new[0]).__tablename__, len(new)), strict=True):
        row.id = row_id


def upsert(rows: Sequence[Any]) -> None:
    """Insert rows of one model, and update those whose id is stored; the rows are not added to the session."""
    if not rows:
        return
    model: Any = type(rows[0])
    names = _column_names(model)
    values = [{column: getattr(row, attribute) for attribute, column in names.items()} for row in rows]
    db.session.execute(_upsert_statement(model), {"rows": json.encode_text(values)})


def advance_sequence(model: Any, row_id: int) -> None:
    """Advance the sequence of ``model`` to an id that a client chose, so that it never returns that id.

    The table lock stops other transactions from inserting, and so from using the sequence, until this transaction
    ends. This is correct only for tables whose INSERT uses the sequence, not for tables of ``assign_ids``.
    """
    table = model.__tablename__
    db.session.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
    db.session.execute(
        text(
            "SELECT setval(s.name, :id) FROM (SELECT pg_get_serial_sequence(:table, 'id') AS name) s "
            "WHERE :id > coalesce(pg_sequence_last_value(CAST(s.name AS regclass)), 0)"
        ),
        {"id": row_id, "table": table},
    )


def set_next_id(model: Any, row_id: int) -> None:
    """Set the id of the next row of ``model``, whose table must be empty."""
    statement = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :id, false)")
    db.session.execute(statement, {"id": row_id, "table": model.__tablename__})


@cache
def _column_names(model: Any) -> dict[str, str]:
    return {attribute.key: attribute.columns[0].name for attribute in inspect(model).column_attrs}


@cache
def _upsert_statement(model: Any) -> TextClause:
    columns = model.__table__.columns
    column_list = ", ".join(column.name for column in columns)
    record_type = ", ".join(f"{column.name} {column.type.compile(db.engine.dialect)}" for column in columns)
    assignments = ", ".join(f"{column.name} = excluded.{column.name}" for column in columns if column.name != "id")
    return text(
        f"INSERT INTO {model.__tablename__} ({column_list}) "  # noqa: S608 - only names of our own tables are put in
        f"SELECT {column_list} FROM json_to_recordset(CAST(:rows AS json)) AS r({record_type}) "
        f"ON CONFLICT (id) DO UPDATE SET {assignments}"
    )
