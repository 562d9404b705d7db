"""Rate limits of tokens: counts per token, headers, changes, and the fallback without Redis."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts import audit, modules
from app.accounts.models.accounts import ApiCall
from app.accounts.tokens import service as tokens
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_token, a_user

SALES, GRN, EINVOICES = "/api/sales/invoices/", "/api/invoices", "/api/v1/einvoices"


@pytest.fixture(autouse=True)
def _start_early_in_a_minute() -> None:
    """Wait when the minute ends soon: the count would restart in the middle of a test."""
    while time.time() % 60 > 55:
        time.sleep(0.5)


def a_client(app: Hub, **facts: object) -> FlaskClient:
    """A client with its own user and token."""
    with unit_of_work():
        user = a_user()
        modules.enable(user, "feature.einvoice_api", actor="a test")
        _, plain = a_token(
            user, **{"abilities": ["sales:read", "grn:read", "einvoices:read", "einvoices:status"], **facts}
        )
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {plain}"
    return client


def report(client: FlaskClient) -> TestResponse:
    return client.post(f"{EINVOICES}/1/provider-status", json={"provider_status": "x"})


def limit_and_remaining(answer: TestResponse) -> tuple[str, str]:
    return answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]


def test_the_default_limit_is_60_calls_per_minute(app: Hub) -> None:
    client = a_client(app)
    answers = [client.get(SALES) for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {200}
    assert [limit_and_remaining(answers[n]) for n in (0, 59)] == [("60", "59"), ("60", "0")]
    refused = answers[60]
    assert (refused.status_code, refused.json) == (429, {"success": False, "message": "Too many requests."})
    assert limit_and_remaining(refused) == ("60", "0")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert abs(int(refused.headers["X-RateLimit-Reset"]) - time.time() - int(refused.headers["Retry-After"])) <= 2
    assert "Retry-After" not in answers[0].headers


def test_the_refusal_has_the_envelope_of_each_api(app: Hub) -> None:
    client = a_client(app, calls=1)
    assert client.get(SALES).status_code == 200
    assert client.get(SALES).json == {"success": False, "message": "Too many requests."}
    assert client.get(GRN).json == {"status": 429, "code": 42900, "message": "Too many requests."}
    assert client.get(EINVOICES).json == {"message": "Too many requests."}
    assert client.get("/api/sales/sse/invoices/").status_code == 429


def test_all_apis_share_a_count_and_refused_calls_count(app: Hub) -> None:
    client = a_client(app, calls=3)
    statuses = [client.get(path).status_code for path in (SALES, "/api/v1/events", GRN, EINVOICES)]
    assert statuses == [200, 403, 200, 429]


def test_status_reports_also_have_a_count_of_their_own(app: Hub) -> None:
    client = a_client(app)
    answers = [report(client) for _ in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {404}
    assert answers[20].status_code == 429
    assert limit_and_remaining(answers[20])[0] == "20"
    assert limit_and_remaining(client.get(EINVOICES)) == ("60", "38")


def test_each_token_has_its_own_count_and_limits(app: Hub) -> None:
    narrow, wide = a_client(app, calls=2, status_calls=1), a_client(app, calls=100, status_calls=50)
    assert [narrow.get(SALES).status_code for _ in range(3)] == [200, 200, 429]
    assert limit_and_remaining(wide.get(SALES)) == ("100", "99")
    assert limit_and_remaining(report(wide)) == ("50", "49")
    with unit_of_work():
        tokens.change_limits(1, calls=5, status_calls=1, scope=None, actor="a test")
    assert narrow.get(SALES).status_code == 200


def test_a_rotated_token_keeps_its_count(app: Hub) -> None:
    client = a_client(app, calls=2)
    client.get(SALES)
    with unit_of_work():
        _, plain = tokens.rotate(1, scope=None, actor="a test")
    client.get(SALES)
    assert client.get(SALES, headers={"Authorization": f"Bearer {plain}"}).status_code == 429


def test_all_processes_share_the_count(app: Hub, app_with: Callable[..., Hub]) -> None:
    client = a_client(app, calls=2)
    other = app_with().test_client()
    other.environ_base |= client.environ_base
    assert [one.get(SALES).status_code for one in (client, other, client)] == [200, 200, 429]


def test_users_and_import_keys_have_no_limit(erp: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
    for client in (erp, client_as("admin")):
        assert "X-RateLimit-Limit" not in client.get(SALES).headers


def test_a_call_over_the_limit_is_in_the_call_log(app: Hub) -> None:
    client = a_client(app, calls=1)
    for _ in range(2):
        client.get(SALES)
    audit.recorder.flush()
    assert [call.status for call in db.session.query(ApiCall).order_by(ApiCall.id)] == [200, 429]


def test_without_redis_the_process_counts_alone(app: Hub, app_with: Callable[..., Hub]) -> None:
    client = a_client(app, calls=2)
    without_redis = app_with(redis_url="redis://127.0.0.1:1/0").test_client()
    without_redis.environ_base |= client.environ_base
    started = time.monotonic()
    answers = [without_redis.get(SALES) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"]
    assert time.monotonic() - started < 5
