"""Secrets and passwords never appear in the log, the audit trail, the API call log or an error."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from structlog.stdlib import ProcessorFormatter

from app.accounts import audit, users
from app.accounts.credentials import api_keys
from app.accounts.login import sessions
from app.accounts.models.accounts import ApiCall, ApiKey, AuditEntry, LoginSession, User
from app.accounts.models.tokens import AccessToken
from app.accounts.tokens import authenticator
from app.accounts.tokens import service as tokens
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_token, a_user

NEW_PASSWORD, WRONG_PASSWORD = "a much newer password", "my other password"
TABLES = (AccessToken, ApiCall, ApiKey, AuditEntry, LoginSession, User)


@pytest.fixture
def logged(app: Hub) -> Iterator[Callable[[], str]]:
    """Function that returns all log lines, at level DEBUG and in the format of the hub."""
    root, text = logging.getLogger(), io.StringIO()
    formatter = next(
        handler.formatter for handler in root.handlers if isinstance(handler.formatter, ProcessorFormatter)
    )
    handler, level = logging.StreamHandler(text), root.level
    handler.setFormatter(formatter)
    root.addHandler(handler)
    root.setLevel("DEBUG")
    yield text.getvalue
    root.setLevel(level)
    root.removeHandler(handler)


def stored() -> str:
    audit.recorder.flush()
    with db.engine.connect() as connection:
        return "".join(str(connection.execute(select(model.__table__)).all()) for model in TABLES)


def _use_all_credentials(client: FlaskClient) -> list[str]:
    """Create, use, misuse, rotate and revoke every kind of credential; return the secrets that must stay hidden."""
    with unit_of_work():
        user = a_user(email="asha@hub.example")
        token, first = a_token(user)
        _, key = api_keys.create(name="ERP", actor="a test")
        access, refresh = (sessions.open_session(user)[kind] for kind in ("access", "refresh"))
    with unit_of_work():
        _, second = tokens.rotate(token.id, scope=None, actor="a test", grace=timedelta())
        _, other_key = api_keys.rotate(1, actor="a test")
    client.get("/api/sales/invoices/", headers={"Authorization": f"Bearer {key}", "X-API-KEY": key})
    client.get("/api/sales/invoices/", headers={"X-API-KEY": f"{other_key}x"})
    for plain in (first, second, second[:-1], access, refresh):
        client.get("/api/sales/invoices/", headers={"Authorization": f"Bearer {plain}"})
        client.get(f"/api/v1/einvoices/{plain}", headers={"Authorization": f"Bearer {second}", "X-Request-Id": plain})
        client.get("/api/v1/events", query_string={"ticket": plain}, headers={"X-API-KEY": plain})
        client.get("/api/sales/invoices/", headers={"X-API-KEY": plain, "X-Request-Id": plain})
    for password in (PASSWORD, WRONG_PASSWORD):
        client.post("/api/auth/login/", json={"email": user.email, "password": password})
        client.post("/api/auth/login/", json={"email": password, "password": [password]})
    client.post("/api/auth/token/refresh/", json={"refresh": refresh})
    with unit_of_work():
        users.change_own_password(user, present=PASSWORD, password=NEW_PASSWORD)
        made_up = users.reset_password(user, actor="a test")
        tokens.revoke(token.id, scope=None, actor="a test")
    client.get("/api/sales/invoices/", headers={"Authorization": f"Bearer {second}"})
    parts = [plain.split("_")[2] for plain in (first, second)]
    return [*parts, key, other_key, access, refresh, PASSWORD, NEW_PASSWORD, WRONG_PASSWORD, made_up]


def test_neither_log_nor_tables_contain_a_secret(app: Hub, anybody: FlaskClient, logged: Callable[[], str]) -> None:
    secrets = _use_all_credentials(anybody)
    texts = {"log": logged(), "rows": stored()}
    assert texts["log"].count("request") > 20
    assert "token.rotated" in texts["rows"]
    for place, text in texts.items():
        assert [secret for secret in secrets if secret in text] == [], place


def test_an_unexpected_error_shows_no_secret(
    app: Hub, anybody: FlaskClient, logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work():
        _, plain = a_token()

    def fail(_: AccessToken) -> None:
        raise RuntimeError(f"while looking at {plain}")

    monkeypatch.setattr(authenticator, "effective_abilities", fail)
    answer = anybody.get("/api/sales/invoices/", headers={"Authorization": f"Bearer {plain}"})
    assert answer.status_code == 500
    assert "_" not in answer.text
    lines = logged()
    assert "while looking at ihub_" in lines
    assert plain.split("_")[2] not in lines
