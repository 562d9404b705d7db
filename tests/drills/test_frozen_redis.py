"""Drill: Redis freezes under load. No call gets 500 or waits long, limits go on, and sign-in stays strict."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.drills.hubs import DrillHub

pytestmark = [pytest.mark.drill, pytest.mark.xdist_group("drills")]
#: Redis' time limits are 2 s; health checks and pages ask it more than once.
SLOWEST = 10.0
PATHS = ("/api/sales/invoices/", "/api/v1/events", "/healthz", "/readyz", "/healthz/worker", "/metrics")


@pytest.fixture
def frozen(hub: DrillHub) -> Iterator[DrillHub]:
    """The hub; a test freezes Redis."""
    yield hub
    hub.thaw_redis()
    hub.sql("DELETE FROM login_counts")  # the next drill on this hub may sign in at once


def make_token(hub: DrillHub, calls: int) -> dict[str, str]:
    email = f"erp-{time.monotonic_ns()}@hub.example"
    hub.flask("users", "create", email, "--role", "admin", "--password", "correct horse battery staple")
    made = hub.flask(
        "tokens", "create", email, "ERP", "--ability", "sales:read", "--ability", "events:read", "--calls", str(calls)
    )
    token = next(word for word in made.split() if word.startswith("ihub_") and len(word) > 40)
    return {"Authorization": f"Bearer {token}"}


def test_calls_under_load_are_answered_while_redis_freezes(frozen: DrillHub) -> None:
    headers, seen, seconds = make_token(frozen, 10_000), Counter[tuple[str, int]](), []

    def call(number: int) -> None:
        started = time.monotonic()
        path = PATHS[number % len(PATHS)]
        status, _ = frozen.get(path, web=number // len(PATHS) % 2, headers=headers if "/api/" in path else {})
        seconds.append(time.monotonic() - started)
        seen[path, status] += 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(call, range(60)))
        frozen.freeze_redis()
        list(pool.map(call, range(240)))
    print(f"\nRedis frozen: {dict(seen)}, slowest {max(seconds):.1f} s")
    # This check tells that Redis is away.
    assert {status for (path, status) in seen if path != "/healthz/worker"} == {200}
    assert max(seconds) < SLOWEST


def test_login_stays_strict_over_processes_while_redis_is_frozen(frozen: DrillHub) -> None:
    frozen.freeze_redis()
    guess = {"email": f"nobody-{time.monotonic_ns()}@hub.example", "password": "wrong wrong wrong"}
    statuses = [frozen.post("/api/auth/login/", guess, web=number % 2)[0] for number in range(14)]
    assert statuses == [401] * 10 + [429] * 4
