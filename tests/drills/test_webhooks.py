"""The drill of webhooks: workers are killed, Redis freezes and forgets, PostgreSQL restarts; nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from app.kernel.worker.celery_app import LEASE
from tests.drills import figures
from tests.drills.figures import Figures
from tests.drills.hubs import ROOT, DrillHub, drill_hub, free_port, wait_for
from tests.drills.watching import CONCURRENCY, Watching, subscribe

pytestmark = [pytest.mark.drill, pytest.mark.alone]
MODULE = "feature.einvoice_webhooks"
#: Seconds between attempts here; the real ones take seven hours.
RETRIES = (2, 3, 5, 8, 13)


@dataclass(frozen=True)
class Scale:
    """Size of the drill; times in seconds."""

    events: int
    per_second: int
    kill_every: float
    chaos: float
    freeze: float
    settle: float


FULL = Scale(events=10_000, per_second=100, kill_every=5, chaos=110, freeze=30, settle=240)
SHORT = Scale(events=600, per_second=40, kill_every=5, chaos=16, freeze=4, settle=180)
SCALE = SHORT if os.environ.get("SHORT") else FULL


@pytest.fixture(scope="module")
def hub() -> Iterator[DrillHub]:
    with drill_hub(webs=1, WEBHOOK_RETRIES=",".join(map(str, RETRIES))) as running:
        yield running


def test_nothing_is_lost_whatever_is_killed_frozen_flushed_or_restarted(hub: DrillHub) -> None:
    began = time.monotonic()
    headers = hub.sign_in("admin")
    (email,) = hub.sql("SELECT email FROM users ORDER BY id DESC LIMIT 1")[0]
    hub.flask("modules", "enable", email, MODULE)
    healthy, flaky = Watching(0.0), Watching(0.3)
    ports = (healthy.receiver.port, flaky.receiver.port, free_port())
    well, unwell, dead = (subscribe(hub, headers, port) for port in ports)

    with emitting(hub) as emitter:
        kills = chaos(hub)
        assert emitter.wait(SCALE.settle) == 0
    wait_for(lambda: hub.sql("SELECT count(*) FROM events WHERE position IS NULL") == [(0,)], 30)
    until = time.monotonic() + SCALE.settle
    while time.monotonic() < until and unsettled(hub, (well, unwell)):
        time.sleep(0.5)

    (happened,) = hub.sql("SELECT count(*) FROM events")[0]
    assert happened >= SCALE.events
    report(hub, kills, time.monotonic() - began, {well: healthy, unwell: flaky})
    for endpoint in (well, unwell, dead):
        assert hub.sql(
            "SELECT count(*), count(DISTINCT position), max(sequence) FROM webhook_deliveries WHERE endpoint_id = %s",
            endpoint,
        ) == [(happened, happened, happened)]
    arrived(hub, well, healthy)
    arrived(hub, unwell, flaky)
    dated(hub, (well, unwell))
    assert hub.sql("SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = %s AND state = 'delivered'", dead) == [
        (0,)
    ]
    for watching in (healthy, flaky):
        assert watching.repeats <= kills * CONCURRENCY
        assert [bodies for bodies in watching.bodies.values() if len(bodies) > 1] == []
        watching.receiver.close()


@contextmanager
def emitting(hub: DrillHub) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that emits events until the end of the block."""
    command = [sys.executable, "-m", "tests.drills.emitting", str(SCALE.events), str(SCALE.per_second)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **hub.environment})
    try:
        wait_for(lambda: hub.sql("SELECT EXISTS (SELECT FROM events)") == [(True,)], 120)
        yield process
    finally:
        process.kill()
        process.wait()


def chaos(hub: DrillHub) -> int:
    """Kill a sender every five seconds; freeze Redis, flush it, and restart PostgreSQL, once each."""
    began, kills = time.monotonic(), 0
    plan = [
        (SCALE.chaos * 0.15, hub.freeze_redis),
        (SCALE.chaos * 0.15 + SCALE.freeze, hub.thaw_redis),
        (SCALE.chaos * 0.6, hub.flush_redis),
        (SCALE.chaos * 0.75, hub.restart_postgres),
    ]
    next_kill = SCALE.kill_every
    while (passed := time.monotonic() - began) < SCALE.chaos or plan:
        if plan and passed >= plan[0][0]:
            plan.pop(0)[1]()
        if passed >= next_kill:
            kill(hub, kills)
            kills += 1
            next_kill += SCALE.kill_every
        time.sleep(0.05)
    return kills


def kill(hub: DrillHub, number: int) -> None:
    """Kill a process of a sender's pool; every third time a whole worker, which needs longer to restart."""
    name = ("webhooks", "webhooks", "retries")[number // 3 % 3]
    if number % 3 == 2:
        hub.kill_worker(name)
    else:
        hub.kill_one_of(name)


def unsettled(hub: DrillHub, endpoints: tuple[int, ...]) -> bool:
    """Return whether a delivery is overdue; in the full form, whether any is open."""
    overdue = "AND due_at < now() - interval '2 seconds'" if SCALE is SHORT else ""
    return hub.sql(
        f"SELECT EXISTS (SELECT FROM webhook_deliveries WHERE state = 'pending' AND endpoint_id = ANY(%s) {overdue})",
        list(endpoints),
    ) == [(True,)]


def arrived(hub: DrillHub, endpoint: int, watching: Watching) -> None:
    """Check that delivered events were accepted, and that all others are pending or failed."""
    query = "SELECT event_id FROM webhook_deliveries WHERE endpoint_id = %s AND state = 'delivered'"
    delivered = {str(row[0]) for row in hub.sql(query, endpoint)}
    assert delivered <= set(watching.taken), "counted as delivered and never arrived"
    assert not hub.sql(
        "SELECT id FROM webhook_deliveries WHERE endpoint_id = %s AND state NOT IN ('delivered', 'pending', 'failed')",
        endpoint,
    )


def dated(hub: DrillHub, endpoints: tuple[int, ...]) -> None:
    """Check that every open delivery has a due time: of the next attempt or of the end of a lost lease."""
    late = hub.sql(
        "SELECT count(*), min(due_at) FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = endpoint_id "
        "WHERE d.state = 'pending' AND e.status <> 'disabled' AND endpoint_id = ANY(%s) "
        "AND due_at NOT BETWEEN now() - interval '3 seconds' AND now() + make_interval(secs => %s)",
        list(endpoints),
        LEASE + max(RETRIES),
    )
    assert late[0][0] == 0, late


def report(hub: DrillHub, kills: int, seconds: float, watched: dict[int, Watching]) -> None:
    rows = hub.sql(
        "SELECT endpoint_id, e.status, count(*) FILTER (WHERE d.state = 'delivered'), "
        "count(*) FILTER (WHERE d.state = 'pending'), count(*) FILTER (WHERE d.state = 'failed'), sum(attempts), "
        "(SELECT count(*) FROM webhook_attempts a JOIN webhook_deliveries x ON x.id = a.delivery_id "
        "WHERE x.endpoint_id = d.endpoint_id AND a.outcome = 'lost') "
        "FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = endpoint_id GROUP BY 1, 2 ORDER BY 1"
    )
    print(f"\nWebhooks under fire: {kills} workers killed, Redis frozen {SCALE.freeze:.0f} s and flushed, "
          f"PostgreSQL restarted; {seconds:.0f} s in all")  # fmt: skip
    print(
        f"{'endpoint':<10}{'status':<10}{'delivered':>10}{'waiting':>9}{'failed':>8}{'attempts':>10}{'lost':>6}{'twice':>7}"
    )
    names = ("healthy", "30 % 500", "dead")
    for name, (endpoint, status, delivered, waiting, failed, attempts, lost) in zip(names, rows, strict=True):
        twice = watched[endpoint].repeats if endpoint in watched else 0
        print(f"{name:<10}{status:<10}{delivered:>10}{waiting:>9}{failed:>8}{attempts:>10}{lost:>6}{twice:>7}")
    for name, (endpoint, _, delivered, *_) in zip(names[:2], rows, strict=False):
        fault = f"workers killed, Redis and PostgreSQL fail ({name} receiver)"
        missing = delivered - len(watched[endpoint].taken) if delivered > len(watched[endpoint].taken) else 0
        figures.report(
            Figures(fault, "webhooks", delivered, missing, watched[endpoint].repeats, kills * CONCURRENCY, seconds)
        )
