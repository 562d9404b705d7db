"""Audit trail and API call log: each authenticated call is recorded after the request, without secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select

from app.accounts import audit
from app.accounts.models.accounts import ApiCall, AuditEntry
from app.extensions import db
from app.kernel.http.app import Hub
from tests.conftest import IMPORT_KEY
from tests.factories import PASSWORD, a_sale

LIST = "/api/sales/invoices/"


def calls() -> list[Any]:
    audit.recorder.flush()
    with db.engine.connect() as connection:
        return list(connection.execute(select(ApiCall.__table__).order_by(ApiCall.id)))


class TestApiCalls:
    def test_record_caller_path_status_duration_and_address(
        self, erp: FlaskClient, client_as: Callable[..., FlaskClient]
    ) -> None:
        erp.get(f"{LIST}?search=x", headers={"X-Request-Id": "r-1"}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
        erp.get("/api/auth/me/")
        warehouse = client_as("warehouse")
        warehouse.post("/api/sales/import/invoice/", json=a_sale())
        read, forbidden, refused = calls()
        assert read.credential.startswith("api_key:env-")
        assert (read.method, read.path, read.status, read.user_id) == ("GET", LIST, 200, None)
        assert (read.address, read.request_id) == ("192.0.2.7", "r-1")
        assert 0 <= read.milliseconds < 10_000
        assert (forbidden.path, forbidden.status) == ("/api/auth/me/", 403)
        assert (refused.credential, refused.user_id, refused.status) == ("user:1", 1, 403)

    def test_record_an_ipv6_address_without_its_zone(self, erp: FlaskClient) -> None:
        erp.get(LIST, environ_base={"REMOTE_ADDR": f"fe80::1%{'x' * 100}"})
        assert [call.address for call in calls()] == ["fe80::1"]

    def test_without_a_caller_are_not_recorded(self, anybody: FlaskClient) -> None:
        anybody.get(LIST)
        anybody.get(LIST, headers={"X-API-KEY": "wrong"})
        anybody.get("/healthz")
        assert calls() == []

    def test_contain_no_secret(self, erp: FlaskClient, anybody: FlaskClient, client_as: Any) -> None:
        client = client_as("admin")
        ticket = client.post("/api/v1/stream/tickets").json["ticket"]
        erp.get(LIST)
        client.get("/api/v1/events", query_string={"ticket": ticket})
        written = str(calls())
        token = client.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        for secret in (IMPORT_KEY, ticket, token):
            assert secret not in written

    def test_are_flushed_in_the_background(self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        written, real = threading.Event(), audit.recorder._write

        def write(app: Any) -> None:
            real(app)
            written.set()

        monkeypatch.setattr(audit.recorder, "_write", write)
        erp.get(LIST)
        assert written.wait(10)
        with db.engine.connect() as connection:
            assert len(connection.execute(select(ApiCall.__table__)).all()) == 1

    def test_wait_while_the_database_is_unreachable(
        self, app: Hub, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            unreachable = create_engine("postgresql+psycopg://hub@127.0.0.1:1/hub")
            patch.setitem(db._app_engines[app], None, unreachable)
            for number in range(3):
                erp.get(LIST, headers={"X-Request-Id": f"r-{number}"})
            audit.recorder.flush()
        assert [call.request_id for call in calls()] == ["r-0", "r-1", "r-2"]

    def test_over_the_queue_limit_are_counted_as_lost(self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        lost = audit.LOST_CALLS._value.get()
        monkeypatch.setattr(audit, "MAX_WAITING_CALLS", 0)
        assert erp.get(LIST).status_code == 200
        assert audit.LOST_CALLS._value.get() == lost + 1

    def test_are_written_once_when_many_threads_flush(self, erp: FlaskClient) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: (erp.get(LIST), audit.recorder.flush()), range(40)))
        assert len(calls()) == 40


class TestAuditEntries:
    def test_contain_request_id_and_address(self, anybody: FlaskClient) -> None:
        anybody.post(
            "/api/auth/login/",
            json={"email": "a@b.example", "password": PASSWORD},
            headers={"X-Request-Id": "r-1"},
            environ_base={"REMOTE_ADDR": "::ffff:192.0.2.7"},
        )
        with db.engine.connect() as connection:
            [entry] = connection.execute(select(AuditEntry.__table__)).all()
        assert (entry.request_id, entry.address) == ("r-1", "192.0.2.7")
