"""Search of the API call log: filters, scope, pages and names of callers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from marshmallow import ValidationError
from sqlalchemy import insert, text
from sqlalchemy.dialects import postgresql

from app.accounts import audit, call_log
from app.accounts.models.accounts import ApiCall
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.pagination.walk import Count
from app.kernel.unit_of_work import unit_of_work
from tests.accounts.conftest import SetClock
from tests.factories import a_token, a_user

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(set_clock: SetClock) -> None:
    set_clock(NOW)


@pytest.fixture
def record(app: Hub) -> Callable[..., None]:
    """Store API calls, one per minute, the newest last."""

    def write(*calls: dict[str, Any]) -> None:
        defaults = {"credential": "user:1", "user_id": 1, "method": "GET", "path": "/api/invoices", "status": 200}
        defaults |= {"milliseconds": 5.0, "address": "192.0.2.7", "request_id": "r"}
        with unit_of_work():
            for number, facts in enumerate(calls):
                moment = NOW - timedelta(minutes=len(calls) - number)
                db.session.add(ApiCall(**defaults | {"created_at": moment} | facts))

    return write


def found_ids(app: Hub, scope: int | None = None, **query: Any) -> list[int]:
    with app.test_request_context("/admin/settings/api/logs"):
        return [call.id for call in call_log.search(call_log.CallQuery().load(query), scope=scope).calls]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"credential": "token:7"}, [2]),
        ({"method": "POST"}, [3]),
        ({"path": "/api/sales"}, [4]),
        ({"path": "/api_"}, []),
        ({"status": "404"}, [5]),
        ({"status": "4xx"}, [5, 3]),
        ({"address": "203.0.113.9"}, [4]),
        ({"request_id": "r-9"}, [5]),
        ({"slower_than": "100"}, [1]),
        ({"since": "2026-03-01T11:58:00Z"}, [5, 4]),
        ({"since": "2026-03-01T14:58:00+03:00", "until": "2026-03-01T11:59"}, [4]),
        ({"status": "4xx", "method": "POST"}, [3]),
    ],
)
def test_each_filter_restricts_the_result(
    app: Hub, record: Callable[..., None], query: dict[str, Any], ids: list[int]
) -> None:
    record(
        {"milliseconds": 250.5},
        {"credential": "token:7"},
        {"method": "POST", "status": 422},
        {"path": "/api/sales/invoices/", "address": "203.0.113.9"},
        {"status": 404, "request_id": "r-9"},
    )
    assert found_ids(app, **query) == ids


def test_a_user_sees_only_calls_of_the_user(app: Hub, record: Callable[..., None]) -> None:
    record({}, {"credential": "token:7", "user_id": 2}, {"credential": "api_key:1", "user_id": None})
    assert found_ids(app, scope=2) == [2]
    assert found_ids(app, scope=None) == [3, 2, 1]


def test_without_a_period_the_last_seven_days_are_searched(app: Hub, record: Callable[..., None]) -> None:
    record({"created_at": NOW - timedelta(days=8)}, {"created_at": NOW - timedelta(days=6)})
    assert found_ids(app) == [2]
    assert found_ids(app, since="2026-01-01") == [2, 1]
    assert found_ids(app, until="2026-02-22T00:00:00Z") == [1]


def test_pages_have_no_gap_when_calls_have_the_same_time(app: Hub, record: Callable[..., None]) -> None:
    record(*({"created_at": NOW} for _ in range(5)))
    seen, cursor = [], ""
    with app.test_request_context("/admin/settings/api/logs?status=2xx"):
        while cursor is not None:
            page = call_log.search(
                call_log.CallQuery().load({"page_size": 2, "cursor": cursor, "status": "2xx"}), scope=None
            )
            seen += [call.id for call in page.calls]
            assert page.next is None or "status=2xx" in page.next
            cursor = page.next.split("cursor=")[1].split("&")[0] if page.next else None
    assert seen == [5, 4, 3, 2, 1]


def test_callers_are_named(app: Hub, anybody: FlaskClient) -> None:
    with unit_of_work():
        token, plain = a_token(a_user(email="asha@hub.example"), name="Shop")
    anybody.get("/api/invoices", headers={"Authorization": f"Bearer {plain}"})
    audit.recorder.flush()
    with app.test_request_context("/"):
        page = call_log.search(call_log.CallQuery().load({}), scope=1)
    assert page.callers == {f"token:{token.id}": "Shop"}
    assert call_log.credential_names({"user:1", "token:99", "api_key:env-ab", "user:x"}) == {
        "user:1": "asha@hub.example"
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "4x"}, "status"),
        ({"status": "999"}, "status"),
        ({"method": "BREW"}, "method"),
        ({"since": "yesterday"}, "since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since"),
        ({"until": "1999-12-31"}, "until"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "until"),
        ({"slower_than": "nan"}, "slower_than"),
        ({"path": "a\0b"}, "path"),
        ({"page_size": "101"}, "page_size"),
        ({"who": "x"}, "who"),
    ],
)
def test_an_invalid_filter_is_named(query: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        call_log.CallQuery().load(query)
    assert list(refused.value.messages) == [field]


def test_an_invalid_cursor_is_refused(app: Hub) -> None:
    for cursor in ("x", "WzFd", "WyIyMDI2LTAzLTAxIiwgInh4Il0"):
        with app.test_request_context("/"), pytest.raises(Invalid):
            call_log.search(call_log.CallQuery().load({"cursor": cursor}), scope=None)


@pytest.mark.parametrize(("calls", "count"), [(1000, Count(1000)), (1001, Count(1000, exact=False))])
def test_a_page_counts_a_thousand_calls_and_no_more(app: Hub, calls: int, count: Count) -> None:
    call = {"credential": "user:1", "method": "GET", "path": "/", "status": 200, "milliseconds": 1, "request_id": "r"}
    with unit_of_work():
        db.session.execute(insert(ApiCall), [call | {"created_at": clock.now()}] * calls)
    assert call_log.source(call_log.CallQuery().load({}), scope=None).count() == count


@pytest.mark.parametrize("status", ["404", "5xx"])
def test_errors_are_found_by_their_index_whatever_the_parameters(app: Hub, status: str) -> None:
    """PostgreSQL keeps a plan for all parameters; it can use the partial index only if the text names the status."""
    query = call_log.source(call_log.CallQuery().load({"status": status}), scope=None).query
    compiled = query.with_only_columns(ApiCall.id).compile(
        dialect=postgresql.asyncpg.dialect(), compile_kwargs={"render_postcompile": True}
    )
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("DROP INDEX ix_api_calls_created_at"))  # on an empty table it is as good
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {compiled}").scalars())
    assert "ix_api_calls_errors" in plan, plan
