"""Liveness and readiness, also when what the hub stands on is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from app.extensions import db
from app.kernel.web import Hub

NOWHERE = "postgresql+psycopg://hub@127.0.0.1:1/hub"


@pytest.fixture
def without_database(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same application, whose database refuses every connection."""
    monkeypatch.setitem(db._app_engines[app], None, create_engine(NOWHERE))


def test_all_is_well(anybody: FlaskClient) -> None:
    assert anybody.get("/healthz").json == {"status": "ok"}
    assert anybody.get("/readyz").json == {"status": "ok", "database": "ok", "redis": "ok"}


@pytest.mark.usefixtures("without_database")
class TestWithoutADatabase:
    def test_it_is_alive_and_not_ready(self, anybody: FlaskClient) -> None:
        assert anybody.get("/healthz").status_code == 200
        answer = anybody.get("/readyz")
        assert answer.status_code == 503
        assert answer.json == {"message": "The database is not ready: OperationalError"}

    def test_requests_are_asked_to_come_back(self, erp: FlaskClient) -> None:
        answer = erp.get("/api/sales/invoices/")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.json == {"success": False, "message": "The service is busy; try again shortly."}


def test_a_database_without_tables_is_not_ready(anybody: FlaskClient) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE event_head RENAME TO elsewhere"))
    try:
        answer = anybody.get("/readyz")
    finally:
        with db.engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO event_head"))
    assert answer.status_code == 503
    assert answer.json == {"message": "The database is not ready: ProgrammingError"}


def test_without_redis_it_is_ready_and_says_so(app_with: Callable[..., Hub]) -> None:
    answer = app_with(redis_url="redis://127.0.0.1:1/0").test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "degraded", "database": "ok", "redis": "ConnectionError"}


def test_an_empty_pool_asks_for_patience(app_with: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    other = app_with(database_pool_size=1)
    with other.app_context():
        monkeypatch.setattr(db.engine.pool, "_timeout", 0)
        monkeypatch.setattr(db.engine.pool, "_max_overflow", 0)
        with db.engine.connect():
            answer = other.test_client().get("/api/sales/invoices/", headers={"X-API-KEY": "x" * 20})
    assert answer.status_code == 503
    assert answer.json["success"] is False
