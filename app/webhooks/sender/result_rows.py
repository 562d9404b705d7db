"""The rows that results change: one statement for all deliveries and attempts.

The statements do not depend on the number of rows, so that they are prepared once. The rows are one JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text

from app.extensions import db
from app.kernel import json
from app.webhooks.models.deliveries import Attempt, Delivery

_ATTEMPT_KEY = ("delivery_id", "number")
#: What a result changes in a delivery.
_CHANGED = ("state", "step", "due_at", "response_status", "error", "finished_at")


def store_results(deliveries: Sequence[Mapping[str, Any]], attempts: Sequence[Mapping[str, Any]]) -> None:
    """Store attempts and the new states of their deliveries, by one statement.

    An attempt replaces the row of one that was believed lost. Deliveries as in ``update_deliveries``.
    """
    rows = {"deliveries": json.encode_text(deliveries), "attempts": json.encode_text(attempts)}
    db.session.execute(_store_statement(), rows)


def update_deliveries(rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the new states of deliveries, and end their claims.

    Each row has ``id`` and ``claim_id``. A delivery that another worker has claimed by now does not change.
    """
    db.session.execute(text(_update_sql()), {"deliveries": json.encode_text(rows)})


def store_lost_attempts(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the attempts of lost workers, where no result has come."""
    db.session.execute(text(_insert_sql(replacing=False)), {"attempts": json.encode_text(rows)})


@cache
def _store_statement() -> TextClause:
    return text(f"WITH updated AS ({_update_sql()}) {_insert_sql(replacing=True)}")


def _update_sql() -> str:
    assignments = ", ".join(f"{name} = new.{name}" for name in _CHANGED)
    return (
        f"UPDATE webhook_deliveries SET claim_id = NULL, {assignments} "  # noqa: S608 - only our own names are put in
        f"FROM {_records('deliveries', Delivery, ('id', 'claim_id', *_CHANGED))} "
        "WHERE webhook_deliveries.id = new.id AND webhook_deliveries.claim_id = new.claim_id"
    )


def _insert_sql(*, replacing: bool) -> str:
    names = [column.name for column in Attempt.__table__.columns]
    assignments = ", ".join(f"{name} = excluded.{name}" for name in names if name not in _ATTEMPT_KEY)
    action = f"UPDATE SET {assignments}" if replacing else "NOTHING"
    return (
        f"INSERT INTO webhook_attempts ({', '.join(names)}) "  # noqa: S608 - only our own names are put in
        f"SELECT {', '.join(names)} FROM {_records('attempts', Attempt, names)} "
        f"ON CONFLICT ({', '.join(_ATTEMPT_KEY)}) DO {action}"
    )


def _records(parameter: str, model: Any, names: Sequence[str]) -> str:
    """The JSON text of a parameter as records ``new``, with the types of the columns of ``model``."""
    columns = model.__table__.columns
    types = ", ".join(f"{name} {columns[name].type.compile(db.engine.dialect)}" for name in names)
    return f"json_to_recordset(CAST(:{parameter} AS json)) AS new ({types})"
