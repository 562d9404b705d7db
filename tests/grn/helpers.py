"""Helpers for tests of goods receipts: bodies of answers, stored events, row counts, SQL statements."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, select, text
from werkzeug.test import TestResponse

from app.events.models import Event
from app.extensions import db

TABLES = ("goods_receipts", "fabric_items", "supplier_rolls", "fabric_ledger_rows")


def json_body(answer: TestResponse, status: int = 200) -> Any:
    """Assert the status of an answer and return its JSON body, with floats as a client reads them."""
    assert answer.status_code == status, answer.data
    return json.loads(answer.data)


def error_body(answer: TestResponse, status: int, code: int) -> Any:
    """Assert that an answer has the error envelope of this API, and return its body."""
    body = json_body(answer, status)
    assert {"status", "code", "message"} <= set(body)
    assert (body["status"], body["code"]) == (status, code), body
    return body


def rejected_fields(answer: TestResponse) -> dict[str, Any]:
    """Assert that an answer has field errors, and return the rejected value of each field."""
    errors = error_body(answer, 400, 40001)["errors"]
    assert all(set(error) == {"field", "rejectedValue", "message"} for error in errors)
    return {error["field"]: error["rejectedValue"] for error in errors}


def stored_events(event_type: str) -> list[dict[str, Any]]:
    """Return the ``data`` of each event of a type, oldest first."""
    db.session.rollback()
    rows = db.session.scalars(select(Event).where(Event.type == event_type).order_by(Event.id))
    return [json.loads(row.body)["data"] for row in rows]


def row_counts() -> dict[str, int]:
    """Return the number of rows of each table of receipts."""
    db.session.rollback()
    return {table: db.session.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}


@contextmanager
def record_statements() -> Iterator[list[str]]:
    """Record the SQL statements of this thread; a batch counts once for each of its parameter sets."""
    sent: list[str] = []
    own = threading.get_ident()

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_batch: bool) -> None:
        if threading.get_ident() == own:  # the log of calls is written by another thread
            sent.extend([statement] * (len(parameters) if is_batch else 1))

    event.listen(db.engine, "before_cursor_execute", record)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", record)
