"""A Redis that freezes: calls of tokens are answered soon and stay limited."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.kernel.http.app import Hub
from app.kernel.http.rate_limit_storage import PROBE_SECONDS
from app.kernel.unit_of_work import unit_of_work
from app.local.servers.valkey import Valkey
from tests.factories import a_token, a_user

SALES = "/api/sales/invoices/"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A server of its own, which a test may freeze."""
    server = Valkey(tmp_path / "valkey")
    server.start()
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGCONT)
        server.stop()


@pytest.fixture
def caller(app: Hub, app_with: Callable[..., Hub], valkey: Valkey) -> FlaskClient:
    """A client with a token of 20 calls per minute, at a hub that waits 0.1 s for Redis."""
    with unit_of_work():
        _, plain = a_token(a_user(), abilities=["sales:read"], calls=20)
    client = app_with(redis_url=valkey.url, limit_timeout_seconds=0.1).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {plain}"
    return client


def call(client: FlaskClient) -> tuple[int, float]:
    """Status and duration of a call; from a client of its own, as threads must not share one."""
    other, started = client.application.test_client(), time.monotonic()
    other.environ_base |= client.environ_base
    return other.get(SALES).status_code, time.monotonic() - started


def calls_at_once(client: FlaskClient, number: int) -> list[int]:
    with ThreadPoolExecutor(number) as pool:
        return [status for status, _ in pool.map(lambda _: Context().run(call, client), range(number))]


def test_calls_under_way_when_redis_freezes_are_answered(caller: FlaskClient, valkey: Valkey) -> None:
    assert calls_at_once(caller, 8) == [200] * 8  # connections that will all wait for the frozen server
    valkey.process.send_signal(signal.SIGSTOP)
    assert calls_at_once(caller, 8) == [200] * 8


def test_limits_count_while_redis_is_frozen_and_after_it(caller: FlaskClient, valkey: Valkey) -> None:
    while time.time() % 60 > 50:  # the minute of the count would end within the test
        time.sleep(0.5)
    assert call(caller)[0] == 200
    valkey.process.send_signal(signal.SIGSTOP)
    seen = [call(caller) for _ in range(21)]
    assert [status for status, _ in seen] == [200] * 20 + [429]
    slow = [seconds for _, seconds in seen if seconds > 0.1]
    # One call each second waits for Redis; on a busy machine a few others are slow too. Without the switch all 20 wait.
    assert len(slow) <= 4 + sum(seconds for _, seconds in seen) / PROBE_SECONDS, slow
    valkey.process.send_signal(signal.SIGCONT)
    time.sleep(PROBE_SECONDS)
    assert call(caller)[0] == 200  # the count of Redis goes on
