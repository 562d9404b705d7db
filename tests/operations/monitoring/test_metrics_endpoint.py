"""Metrics: their values, their readers, and several processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app.extensions import celery, db
from app.kernel.http.app import Hub
from app.kernel.worker import heartbeat
from tests.factories import a_sale

ROOT = Path(__file__).resolve().parents[3]


TOKEN = "a-token-for-the-tests-of-metrics"


def samples(client: FlaskClient, **headers: str) -> dict[tuple[str, ...], float]:
    """Values of all samples by name and label values."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.content_type.startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
        for sample in family.samples
    }


def test_requests_are_counted_by_their_route(anybody: FlaskClient, erp: FlaskClient) -> None:
    key = ("hub_http_requests_total", "GET", "/api/sales/invoices/<int:invoice_id>/", "404")
    before = samples(anybody).get(key, 0)
    erp.get("/api/sales/invoices/1/")
    erp.get("/api/sales/invoices/2/")
    after = samples(anybody)
    assert after[key] == before + 2
    assert after["hub_http_request_seconds_count", *key[1:3]] >= 2


def test_unknown_paths_are_one_series(anybody: FlaskClient) -> None:
    for number in range(3):
        anybody.open(f"/nowhere/{number}", method=f"BREW{number}")
    found = {key for key in samples(anybody) if key[0] == "hub_http_requests_total" and "unmatched" in key}
    assert ("hub_http_requests_total", "OTHER", "unmatched", "404") in found
    assert not [key for key in found if any("nowhere" in label or "BREW" in label for label in key)]


def test_backlogs_are_read_at_each_scrape(anybody: FlaskClient, erp: FlaskClient, relayed: Callable[[], int]) -> None:
    erp.post("/api/sales/import/invoice/", json=a_sale())
    found = samples(anybody)
    assert found["hub_work_due", "events"] == 1
    assert found["hub_work_oldest_seconds", "events"] > 0
    assert found["hub_up", "database"] == found["hub_up", "redis"] == 1
    relayed()
    found = samples(anybody)
    assert found["hub_work_due", "events"] == 0
    assert found["hub_event_position",] == 1


def test_queues_have_depth_and_age(anybody: FlaskClient) -> None:
    celery.send_task("operations.canary", args=["pdf"], queue="pdf")
    found = samples(anybody)
    assert found["hub_queue_depth", "pdf"] == 1
    assert 0 < found["hub_queue_oldest_seconds", "pdf"] < 60
    assert found["hub_queue_depth", "default"] == 0


def test_processes_are_listed_until_they_exit(anybody: FlaskClient) -> None:
    worker = heartbeat.Heartbeat("worker", "worker@here")
    worker.note(["default"])
    found = samples(anybody)
    assert found["hub_process_silent_seconds", "worker", "worker@here"] < 5
    assert found["hub_process_memory_bytes", "worker", "worker@here"] > 10_000_000
    worker.leave()
    assert ("hub_process_silent_seconds", "worker", "worker@here") not in samples(anybody)


def test_connections_of_the_pool_are_counted(app: Hub, anybody: FlaskClient) -> None:
    samples(anybody)
    before = samples(anybody)["hub_database_pool_connections", "in_use"]
    with db.engine.connect():
        assert samples(anybody)["hub_database_pool_connections", "in_use"] == before + 1
    assert samples(anybody)["hub_database_pool_connections", "open"] >= 1


@pytest.mark.usefixtures("without_database")
def test_without_the_database_the_other_metrics_remain(anybody: FlaskClient) -> None:
    found = samples(anybody)
    assert found["hub_up", "database"] == 0
    assert found["hub_up", "redis"] == 1
    assert ("hub_queue_depth", "default") in found


def test_without_redis_the_other_metrics_remain(app_with: Callable[..., Hub]) -> None:
    found = samples(app_with(redis_url="redis://127.0.0.1:1/0").test_client())
    assert found["hub_up", "redis"] == 0
    assert found["hub_work_due", "events"] == 0


class TestReaders:
    def test_other_machines_need_the_token(self, anybody: FlaskClient) -> None:
        answer = anybody.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"})
        assert answer.status_code == 403
        assert "METRICS_TOKEN" in answer.json["message"]

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
    def test_requests_through_a_local_proxy_need_the_token(self, anybody: FlaskClient, header: str) -> None:
        assert anybody.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403

    def test_the_token_allows_reading_from_any_machine(self, app_with: Callable[..., Hub]) -> None:
        client = app_with(metrics_token=TOKEN).test_client()
        client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
        assert samples(client, Authorization=f"Bearer {TOKEN}")
        for wrong in (f"Bearer {TOKEN}x", TOKEN, "Bearer ", "Bearer é"):
            assert client.get("/metrics", headers={"Authorization": wrong}).status_code == 401

    def test_without_a_configured_token_every_token_is_refused(self, anybody: FlaskClient) -> None:
        assert anybody.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


class TestManyProcesses:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
        return tmp_path

    def test_counters_are_summed_and_gauges_of_dead_processes_removed(self, anybody: FlaskClient, folder: Path) -> None:
        program = (
            "import os\n"
            "from prometheus_client import Counter, Gauge\n"  # not the application: its import takes a second
            "Counter('hub_nudges_failed_total', '', ['task']).labels('x').inc(2)\n"
            "Gauge('hub_stream_clients', '', multiprocess_mode='livesum').inc(3)\n"
            "os._exit(0)\n"  # like a kill: no cleanup
        )
        processes = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(2)]
        assert [process.wait() for process in processes] == [0, 0]
        assert list(folder.glob("gauge_livesum_*.db"))
        found = samples(anybody)
        assert found["hub_nudges_failed_total", "x"] == 4
        assert ("hub_stream_clients",) not in found
        assert not list(folder.glob("gauge_livesum_*.db"))
