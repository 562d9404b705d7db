"""Many rows in one statement: a packing list of thousands costs no more round trips than one of two."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import TextClause, inspect, text

from app.extensions import db
from app.kernel import json, sequences


def number(rows: Sequence[Any]) -> None:
    """Give an id to each row that has none, in their order."""
    new = [row for row in rows if row.id is None]
    if not new:
        return
    for row, row_id in zip(new, sequences.reserve_ids(type(new[0]).__tablename__, len(new)), strict=True):
        row.id = row_id


def store(rows: Sequence[Any]) -> None:
    """Insert rows of one kind, or overwrite those whose id is stored; the rows stay outside the session."""
    if not rows:
        return
    model: Any = type(rows[0])
    names = _names(model)
    values = [{column: getattr(row, attribute) for attribute, column in names.items()} for row in rows]
    db.session.execute(_upsert(model), {"rows": json.encode_text(values)})


def reserve_id(model: Any, row_id: int) -> None:
    """Move the sequence of ``model`` behind an id that came from outside, so that it never gives that id again.

    The lock keeps others from inserting, and so from drawing ids, until the present transaction ends. Only for
    tables that draw them while inserting, not for those of ``number``.
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


def begin_at(model: Any, row_id: int) -> None:
    """Have the next row of ``model``, whose table must be empty, get this id."""
    query = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :id, false)")
    db.session.execute(query, {"id": row_id, "table": model.__tablename__})


@cache
def _names(model: Any) -> dict[str, str]:
    return {attribute.key: attribute.columns[0].name for attribute in inspect(model).column_attrs}


@cache
def _upsert(model: Any) -> TextClause:
    columns = model.__table__.columns
    listed = ", ".join(column.name for column in columns)
    record = ", ".join(f"{column.name} {column.type.compile(db.engine.dialect)}" for column in columns)
    changed = ", ".join(f"{column.name} = excluded.{column.name}" for column in columns if column.name != "id")
    return text(
        f"INSERT INTO {model.__tablename__} ({listed}) "  # noqa: S608 - only names of our own tables are put in
        f"SELECT {listed} FROM json_to_recordset(CAST(:rows AS json)) AS r({record}) "
        f"ON CONFLICT (id) DO UPDATE SET {changed}"
    )
