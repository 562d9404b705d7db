"""Limits of login and refresh by account and network, counted in the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts import users
from app.accounts.login import sessions
from app.accounts.models.accounts import User
from app.accounts.models.login_attempts import LoginNetwork
from app.accounts.tasks import purge
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_user

ATTEMPT = {"email": "a@b.example", "password": "x"}


def statuses(
    client: FlaskClient, number: int, email: str = "a@b.example", password: str = "x", **where: str
) -> list[int]:
    payload = {"email": email, "password": password}
    answers = [client.post("/api/auth/login/", json=payload, environ_base=where) for _ in range(number)]
    return [answer.status_code for answer in answers]


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
    assert statuses(client, 1, "a@b.example") + statuses(client, 1, "c@b.example") == [401, 429]
    assert statuses(client, 1, "d@b.example", REMOTE_ADDR="192.0.2.7") == [401]


def test_all_processes_share_the_count(app_with: Callable[..., Hub]) -> None:
    first, second = (app_with(login_limit="2 per minute").test_client() for _ in range(2))
    attempts(first, 1)
    attempts(second, 1)
    assert attempts(first, 1)[0].status_code == 429


def test_without_redis_all_processes_share_the_count(app_with: Callable[..., Hub]) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    first, second = (app_with(login_limit="2 per minute", redis_url=nowhere).test_client() for _ in range(2))
    assert [attempts(client, 1)[0].status_code for client in (first, second, first)] == [401, 401, 429]
    assert attempts(second, 1)[0].headers["Retry-After"]


def test_a_changing_port_of_the_proxy_does_not_reset_the_count(app_with: Callable[..., Hub]) -> None:
    """Case ``forwarded-for-with-a-port.sh``."""
    client = app_with(login_limit="10 per minute", trusted_proxies=1).test_client()
    answers = [
        client.post(
            "/api/auth/login/",
            json={"email": f"{number}@b.example", "password": "wrong"},
            headers={"X-Forwarded-For": f"198.51.100.8:{50000 + number}"},
        )
        for number in range(15)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 5


def test_guesses_at_one_account_from_many_networks_are_limited(app_with: Callable[..., Hub]) -> None:
    client = app_with(login_limit="3 per minute").test_client()
    spellings = ["é@b.example", " É@b.example", "E\u0301@B.example ", "\ufeffé@b.example", "é@b.example\u200b\u00ad"]
    guesses = [statuses(client, 1, email, REMOTE_ADDR=f"192.0.2.{n}")[0] for n, email in enumerate(spellings)]
    assert guesses == [401, 401, 401, 429, 429]
    assert statuses(client, 1, "other@b.example", REMOTE_ADDR="192.0.2.9") == [401]


def test_an_ipv6_network_counts_as_one_client(app_with: Callable[..., Hub]) -> None:
    client = app_with(login_limit="2 per minute").test_client()
    guesses = [statuses(client, 1, f"{n}@b.example", REMOTE_ADDR=f"2001:db8:0:7::{n:x}")[0] for n in range(1, 5)]
    assert guesses == [401, 401, 429, 429]
    assert statuses(client, 1, "5@b.example", REMOTE_ADDR="2001:db8:0:8::1") == [401]


def test_successes_are_not_counted(app_with: Callable[..., Hub]) -> None:
    with unit_of_work():
        user = a_user(role="billing")
    client = app_with(login_limit="3 per minute").test_client()
    assert statuses(client, 5, user.email, PASSWORD) == [200] * 5
    assert statuses(client, 4, user.email) == [401] * 3 + [429]


def test_guesses_from_elsewhere_do_not_keep_the_owner_out(app_with: Callable[..., Hub]) -> None:
    with unit_of_work():
        user = a_user(role="billing")
    client = app_with(login_limit="3 per minute").test_client()
    assert statuses(client, 1, user.email, PASSWORD, REMOTE_ADDR="192.0.2.1") == [200]
    guesses = [statuses(client, 1, user.email, REMOTE_ADDR=f"198.51.100.{n}")[0] for n in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert statuses(client, 1, user.email, PASSWORD, REMOTE_ADDR="203.0.113.9") == [429]  # not from an unknown network
    assert statuses(client, 2, user.email, PASSWORD, REMOTE_ADDR="192.0.2.1") == [200, 200]
    assert statuses(client, 4, user.email, REMOTE_ADDR="192.0.2.1") == [401, 401, 401, 429]


def test_a_network_is_forgotten_90_days_after_the_last_login(
    app_with: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work():
        user = a_user(role="billing")
    client = app_with(login_limit="1 per minute").test_client()
    assert statuses(client, 1, user.email, PASSWORD, REMOTE_ADDR="192.0.2.1") == [200]
    later = clock.now() + timedelta(days=90, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert statuses(client, 1, user.email, REMOTE_ADDR="198.51.100.1") == [401]
    assert statuses(client, 1, user.email, PASSWORD, REMOTE_ADDR="192.0.2.1") == [429]
    purge()
    assert not db.session.scalars(select(LoginNetwork)).all()


def test_a_clock_that_was_put_back_does_not_lengthen_a_period(
    app_with: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, now = app_with(login_limit="1 per minute").test_client(), clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1))
    assert statuses(client, 2) == [401, 429]
    monkeypatch.setattr(clock, "now", lambda: now)
    assert statuses(client, 2) == [401, 429]


@pytest.mark.slow
def test_guesses_at_an_account_slow_down(app_with: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    """As 10 guesses a minute become 30 in a quarter of an hour and 60 in an hour."""
    client, now, guessed = app_with(login_limit="2 per minute").test_client(), clock.now(), []
    for minute in range(61):
        monkeypatch.setattr(clock, "now", lambda minute=minute: now + timedelta(minutes=minute))
        seen = [statuses(client, 1, REMOTE_ADDR=f"192.0.2.{n}")[0] for n in range(3)]
        guessed.append(seen.count(401))
    assert max(guessed) == 2
    assert (sum(guessed[:15]), sum(guessed[:60]), guessed[60]) == (6, 12, 2)


def test_a_new_password_clears_the_failures_of_the_account(app_with: Callable[..., Hub]) -> None:
    with unit_of_work():
        user = a_user(role="billing")
    client = app_with(login_limit="1 per minute").test_client()
    assert [statuses(client, 1, user.email, REMOTE_ADDR=f"192.0.2.{n}")[0] for n in range(2)] == [401, 429]
    with unit_of_work():
        password = users.reset_password(db.session.get_one(User, user.id), actor="a test")
    assert statuses(client, 1, user.email, password, REMOTE_ADDR="192.0.2.3") == [200]


def test_renewed_sessions_are_not_counted(app_with: Callable[..., Hub]) -> None:
    with unit_of_work():
        refresh = sessions.open_session(a_user(role="billing"))["refresh"]
    client = app_with(login_limit="2 per minute").test_client()
    for _ in range(4):
        answer = client.post("/api/auth/token/refresh/", json={"refresh": refresh})
        assert answer.status_code == 200
        refresh = answer.get_json()["data"]["refresh"]
