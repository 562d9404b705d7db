"""Drills of operations: a process is killed or frozen, and health, metrics and the page report which one."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from math import inf

import psutil
import pytest
from redis import Redis

from app.operations.monitoring.queue_drain import KEY
from app.processes import PROCESSES
from tests.drills.hubs import HEADERS, DrillHub, drill_hub, wait_for
from tests.factories import a_sale

pytestmark = [pytest.mark.drill, pytest.mark.alone]

TOLD_WITHIN = 15.0


@pytest.fixture(scope="module")
def hub() -> Iterator[DrillHub]:
    """A hub for these drills only, because they kill its processes."""
    with drill_hub(LOG_LEVEL="INFO") as running:
        # Workers send the first canaries; beat's of the slowest queue comes after a minute.
        wait_for(lambda: running.get("/healthz/worker")[0] == 200, 30)
        yield running


def imported(hub: DrillHub, **headers: str) -> dict[str, object]:
    status, answer = hub.post("/api/sales/import/invoice/", a_sale(), headers={**HEADERS, **headers})
    assert status == 201
    return answer["data"]


def work(hub: DrillHub) -> tuple[int, dict[str, object]]:
    status, body = hub.get("/healthz/worker")
    return status, json.loads(body)


def silence_of(hub: DrillHub, kind: str) -> list[float]:
    """Return the seconds since the last heartbeat of each process of a kind, from the metrics."""
    _, metrics = hub.get("/metrics")
    found = re.findall(rf'^hub_process_silent_seconds{{kind="{kind}",[^}}]*}} (\S+)$', metrics, re.M)
    return [float(seconds) for seconds in found]


@pytest.mark.parametrize("kind", ["worker", "printer", "beat"])
def test_a_killed_process_is_reported_and_recovers(hub: DrillHub, kind: str) -> None:
    hub.children[kind].kill()
    hub.children[kind].wait()
    try:
        wait_for(lambda: any(name.startswith(f"{kind}@") for name in work(hub)[1]["lost"]), TOLD_WITHIN)
        assert max(silence_of(hub, kind)) > 10
        imported(hub)  # everything else goes on
    finally:
        hub.start(next(process for process in PROCESSES if process.name == kind))
    # A worker comes back under its name; beat under a new one, and the old one stays told for an hour.
    wait_for(lambda: min(silence_of(hub, kind), default=inf) < 10 and work(hub)[0] == 200, 60)


def test_a_killed_web_process_is_reported_and_replaced(hub: DrillHub) -> None:
    [victim] = _children_of(hub.children["web 1"].pid)
    victim.kill()
    wait_for(lambda: f"/{victim.pid}" in str(work(hub)[1]["lost"]), TOLD_WITHIN)
    status, _ = hub.get("/readyz", web=1)
    assert status == 200


def test_a_frozen_consumer_turns_the_canary_red(hub: DrillHub) -> None:
    """The worker's process exists but consumes nothing."""
    frozen = [hub.children["worker"].pid, *(child.pid for child in _children_of(hub.children["worker"].pid))]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: work(hub)[1]["queues"]["default"]["status"] == "red", 3 * 4 + 3)  # type: ignore[index]
        status, body = work(hub)
        assert status == 503
        assert body["queues"]["pdf"]["status"] == "ok"  # type: ignore[index]
        imported(hub)
    finally:
        for pid in reversed(frozen):
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: work(hub)[0] == 200, 30)


def test_a_drained_queue_stays_drained_over_a_restart_and_is_consumed_after_it(hub: DrillHub) -> None:
    """The drain is stored in Redis as the page does it; a worker that starts meanwhile respects it too."""

    def status() -> object:
        return work(hub)[1]["queues"]["pdf"]["status"]  # type: ignore[index]

    with Redis.from_url(hub.valkey.url) as redis:
        word = {"by": "user:1", "at": "2026-01-01T00:00:00Z"}
        redis.hset(KEY, "pdf", json.dumps({**word, "resumed_at": None}))
        wait_for(lambda: status() == "drained", 5)
        wait_for(lambda: "queue_drained" in hub.log("printer"), 10)
        hub.kill_worker("printer")
        waiting = redis.llen("pdf")
        wait_for(lambda: redis.llen("pdf") >= waiting + 2, 45)
        assert status() == "drained"
        redis.hset(KEY, "pdf", json.dumps({**word, "resumed_at": datetime.now(UTC).isoformat()}))
        wait_for(lambda: redis.llen("pdf") == 0, 15)
    wait_for(lambda: work(hub)[0] == 200, 30)


def test_the_request_id_is_on_log_lines_of_web_and_worker(hub: DrillHub) -> None:
    imported(hub, **{"X-Request-Id": "followed-by-one-id"})
    wait_for(lambda: "followed-by-one-id" in hub.log("worker"), 15)
    [placed] = [line for line in hub.log("worker").splitlines() if "followed-by-one-id" in line]
    [asked] = [line for line in hub.log("web").splitlines() if "followed-by-one-id" in line]
    [event_id] = re.findall(r"'event_id': '([^']+)', 'request_id': 'followed-by-one-id'", placed)
    assert f"event_id={event_id}" in asked
    assert "credential=api_key:env-" in asked
    assert "task=events.relay" in placed


def test_metrics_of_workers_and_web_are_at_one_endpoint(hub: DrillHub) -> None:
    _, metrics = hub.get("/metrics")
    assert re.search(r'^hub_task_seconds_count{task="operations.canary"} [1-9]', metrics, re.M)
    assert re.search(r'^hub_http_requests_total{.*route="/api/sales/import/invoice/".*} [1-9]', metrics, re.M)


def _children_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)
