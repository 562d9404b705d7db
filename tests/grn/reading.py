"""How tests read answers: as a client's JSON reader does, floats and all."""

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


def said(answer: TestResponse, status: int = 200) -> Any:
    """The body of an answer with this status."""
    assert answer.status_code == status, answer.data
    return json.loads(answer.data)


def refused(answer: TestResponse, status: int, code: int) -> Any:
    """The body of a refusal, which must be in this surface's envelope."""
    body = said(answer, status)
    assert {"status", "code", "message"} <= set(body)
    assert (body["status"], body["code"]) == (status, code), body
    return body


def faults(answer: TestResponse) -> dict[str, Any]:
    """Each refused field with the value that was rejected."""
    errors = refused(answer, 400, 40001)["errors"]
    assert all(set(error) == {"field", "rejectedValue", "message"} for error in errors)
    return {error["field"]: error["rejectedValue"] for error in errors}


def stored(event_type: str) -> list[dict[str, Any]]:
    """The ``data`` of each event of a type, oldest first."""
    db.session.rollback()
    rows = db.session.scalars(select(Event).where(Event.type == event_type).order_by(Event.id))
    return [json.loads(row.body)["data"] for row in rows]


def counts() -> dict[str, int]:
    """How many rows each table of receipts holds."""
    db.session.rollback()
    return {table: db.session.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements that this thread sends meanwhile; a batch counts for each of its parameter sets."""
    sent: list[str] = []
    own = threading.get_ident()

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if threading.get_ident() == own:  # calls are recorded by another
            sent.extend([statement] * (len(parameters) if many else 1))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
