"""A Redis user without INFO: the hub reports what it knows, and does not report Redis as down."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from redis import Redis

from app.extensions import bus
from app.kernel.http.app import Hub
from app.operations import doctor
from app.operations.doctor_findings import State
from app.operations.monitoring import hub_status, redis_info
from app.operations.monitoring.metrics_collector import HubCollector


@pytest.fixture
def restricted(app: Hub, patient: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The hub's client as a user who may run everything but INFO."""
    rules = ("on", ">a-password", "~*", "&*", "+@all", "-info")
    patient.execute_command("ACL", "SETUSER", "limited", *rules)
    url = urlsplit(app.config["REDIS_URL"])
    limited = url._replace(netloc=f"limited:a-password@{url.netloc.rpartition('@')[2]}").geturl()
    with Redis.from_url(limited, decode_responses=True) as client:
        monkeypatch.setattr(bus, "client", client)
        yield
    patient.execute_command("ACL", "DELUSER", "limited")


@pytest.mark.usefixtures("restricted")
class TestWithoutInfo:
    def test_nothing_is_known(self) -> None:
        assert redis_info.read_info() is None

    def test_doctor_warns_and_finds_no_fault(self) -> None:
        [finding] = [finding for finding in doctor.run_checks() if finding.subject == "redis"]
        assert finding.state is State.WARNING
        assert "may not run INFO" in finding.message

    def test_operations_page_shows_the_queues(self) -> None:
        status = hub_status.collect_status()
        assert status.redis == {"version": None, "clients": None, "bytes": None, "held": 0}

    def test_metrics_have_the_queues(self) -> None:
        names = {metric.name for metric in HubCollector().collect()}
        assert "hub_queue_depth" in names
        assert "hub_process_silent_seconds" in names
        assert "hub_redis_memory_bytes" not in names
