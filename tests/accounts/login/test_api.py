"""Limits of login and refresh per address, counted in Redis, or in the process while Redis is unreachable."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.kernel.http.app import Hub

ATTEMPT = {"email": "a@b.example", "password": "x"}


def attempts(client: FlaskClient, number: int, path: str = "/api/auth/login/") -> list[TestResponse]:
    payload = ATTEMPT if "login" in path else {"refresh": "x"}
    return [client.post(path, json=payload) for _ in range(number)]


@pytest.mark.parametrize("path", ["/api/auth/login/", "/api/auth/token/refresh/"])
def test_the_fourth_attempt_within_a_minute_is_refused(app_with: Callable[..., Hub], path: str) -> None:
    client = app_with(login_limit="3 per minute").test_client()
    *counted, refused = attempts(client, 4, path)
    assert {answer.status_code for answer in counted} == {401}
    assert refused.status_code == 429
    assert refused.json == {"success": False, "message": "Too many requests."}
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Limit"] == "3"


def test_each_address_has_its_own_count(app_with: Callable[..., Hub]) -> None:
    client = app_with(login_limit="1 per minute").test_client()
    assert attempts(client, 2)[-1].status_code == 429
    client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert attempts(client, 1)[0].status_code == 401


def test_all_processes_share_the_count(app_with: Callable[..., Hub]) -> None:
    first, second = (app_with(login_limit="2 per minute").test_client() for _ in range(2))
    attempts(first, 1)
    attempts(second, 1)
    assert attempts(first, 1)[0].status_code == 429


def test_without_redis_the_process_counts_alone(app_with: Callable[..., Hub]) -> None:
    client = app_with(login_limit="2 per minute", redis_url="redis://127.0.0.1:1/0").test_client()
    statuses = [answer.status_code for answer in attempts(client, 3)]
    assert statuses == [401, 401, 429]
    assert attempts(client, 1)[0].headers["Retry-After"]
