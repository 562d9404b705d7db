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
    with db.engine.connect() as connection:
        return list(connection.execute(select(model.__table__)))


def error_line(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    line: str = result.output.strip()
    assert "\n" not in line
    return line
