"""Helpers of the command tests: stored rows and the error line of a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from click.testing import Result
from sqlalchemy import select

from app.extensions import db

Run = Callable[..., Result]


INVOICES = "/api/sales/invoices/"


def stored_rows(model: Any) -> list[Any]:
    """All rows, in the order of their keys: a new row can take the place of a deleted one."""
    table = model.__table__
    with db.engine.connect() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def error_line(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    line: str = result.output.strip()
    assert "\n" not in line
    return line
