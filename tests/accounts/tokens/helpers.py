"""Helpers of the token tests: stored tokens and users, requests with a token, rows of tables."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts import audit, modules
from app.accounts.models.accounts import AuditEntry, User
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_token, a_user

SALES, GRN, EINVOICES, EVENTS = "/api/sales/invoices/", "/api/invoices", "/api/v1/einvoices", "/api/v1/events"


def store_token(user: User | None = None, **facts: Any) -> tuple[int, str]:
    """Store a token and return its id and its text."""
    with unit_of_work():
        token, plain = a_token(user, **facts)
    return token.id, plain


def get(client: FlaskClient, plain: str, path: str = SALES, *, peer: str = "127.0.0.1", **headers: str) -> TestResponse:
    """GET a path with the token ``plain`` from the address ``peer``."""
    return client.get(path, headers={"Authorization": f"Bearer {plain}", **headers}, environ_base={"REMOTE_ADDR": peer})


def rows(model: Any) -> list[Any]:
    """All rows of a table by id; waiting API calls are flushed first."""
    audit.recorder.flush()
    with db.engine.connect() as connection:
        return list(connection.execute(select(model.__table__).order_by(model.__table__.c.id)))


def refusal_reasons() -> list[str]:
    """Reasons in the audit rows of refused tokens."""
    return [entry.details["reason"] for entry in rows(AuditEntry) if entry.action == "token.refused"]


def store_user_with_module(role: str = "admin") -> User:
    """Store a user with the module of e-invoices."""
    with unit_of_work():
        user = a_user(role=role)
        modules.enable(user, "feature.einvoice_api", actor="a test")
    return user
