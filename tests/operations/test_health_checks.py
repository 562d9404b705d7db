"""Liveness, readiness and worker health, also without the database or Redis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.celery_config import CANARY_SECONDS
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.heartbeat import Heartbeat
from app.operations.monitoring import queue_drain, queue_health
from app.operations.tasks import canary
from tests.factories import a_sale


def test_a_healthy_hub_is_alive_and_ready(anybody: FlaskClient) -> None:
    assert anybody.get("/healthz").json == {"status": "ok"}
    assert anybody.get("/readyz").json == {"status": "ok", "database": "ok", "redis": "ok", "storage": "ok"}


@pytest.mark.usefixtures("without_database")
class TestWithoutDatabase:
    def test_the_process_is_alive_but_not_ready(self, anybody: FlaskClient) -> None:
        assert anybody.get("/healthz").status_code == 200
        answer = anybody.get("/readyz")
        assert answer.status_code == 503
        assert answer.json == {"message": "The database is not ready: OperationalError"}

    def test_requests_get_503_with_retry_after(self, erp: FlaskClient) -> None:
        answer = erp.get("/api/sales/invoices/")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.json == {"success": False, "message": "The service is busy; try again shortly."}


def test_a_database_without_tables_is_not_ready(anybody: FlaskClient) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE event_head RENAME TO elsewhere"))
    try:
        answer = anybody.get("/readyz")
    finally:
        with db.engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO event_head"))
    assert answer.status_code == 503
    assert answer.json == {"message": "The database is not ready: ProgrammingError"}


def test_without_redis_the_hub_is_ready_but_degraded(app_with: Callable[..., Hub]) -> None:
    answer = app_with(redis_url="redis://127.0.0.1:1/0").test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "degraded", "database": "ok", "redis": "ConnectionError", "storage": "ok"}


def test_an_exhausted_pool_answers_503(app_with: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    other = app_with(database_pool_size=1)
    with other.app_context():
        monkeypatch.setattr(db.engine.pool, "_timeout", 0)
        monkeypatch.setattr(db.engine.pool, "_max_overflow", 0)
        with db.engine.connect():
            answer = other.test_client().get("/api/sales/invoices/", headers={"X-API-KEY": "x" * 20})
    assert answer.status_code == 503
    assert answer.json["success"] is False


class TestWorkerHealth:
    @pytest.fixture
    def running_worker(self, app: Hub) -> None:
        """Every queue has a new canary; a worker and beat send heartbeats."""
        for queue in CANARY_SECONDS:
            canary.apply(args=[queue])
        Heartbeat("worker", "worker@here").note(list(CANARY_SECONDS))
        Heartbeat("beat", "beat@here").note()

    def health_after(self, client: FlaskClient, later: float, monkeypatch: pytest.MonkeyPatch) -> tuple[int, Any]:
        """The answer ``later`` seconds from now, while all processes are still alive."""
        moment = clock.now() + timedelta(seconds=later)
        monkeypatch.setattr(clock, "now", lambda: moment)
        monkeypatch.setattr("app.kernel.worker.heartbeat.LOST_AFTER", later + 10)
        answer = client.get("/healthz/worker")
        return answer.status_code, answer.json

    @pytest.mark.usefixtures("running_worker")
    def test_the_answer_is_ok_while_canaries_pass(self, anybody: FlaskClient) -> None:
        answer = anybody.get("/healthz/worker")
        assert answer.status_code == 200
        assert answer.json["status"] == "ok"
        assert set(answer.json["queues"]) == set(CANARY_SECONDS)
        assert answer.json["lost"] == []

    @pytest.mark.usefixtures("running_worker")
    def test_a_worker_that_does_not_consume_is_reported(
        self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        status, body = self.health_after(anybody, CANARY_SECONDS["default"] * queue_health.TICKS + 1, monkeypatch)
        assert (status, body["error"], body["status"]) == (503, "NOT_CONSUMED", "red")
        assert body["queues"]["default"]["reason"] == "worker@here is up and does not consume."
        assert body["queues"]["pdf"]["status"] == "ok"
        assert "worker@here is up and does not consume." in body["message"]

    @pytest.mark.usefixtures("running_worker")
    def test_before_three_ticks_the_answer_is_ok(self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        status, _ = self.health_after(anybody, CANARY_SECONDS["default"] * queue_health.TICKS - 1, monkeypatch)
        assert status == 200

    def test_a_queue_without_a_worker_is_reported(self, anybody: FlaskClient) -> None:
        answer = anybody.get("/healthz/worker")
        assert answer.status_code == 503
        assert answer.json["queues"]["pdf"]["reason"] == "No worker of the queue pdf is alive."

    def test_the_reason_names_the_running_tasks(self, anybody: FlaskClient) -> None:
        Heartbeat("beat", "beat@here").note()
        Heartbeat("printer", "printer@here").note(["pdf"], [{"task": "einvoices.print_pdfs", "id": "1", "since": 1}])
        reason = anybody.get("/healthz/worker").json["queues"]["pdf"]["reason"]
        assert reason == "printer@here is up and does not consume (running einvoices.print_pdfs)."

    @pytest.mark.parametrize(
        ("task", "seconds", "is_red"),
        [
            ("einvoices.print_pdfs", 900, False),
            ("einvoices.print_pdfs", 1000, True),
            ("grn.print_papers", 900, False),
            ("grn.print_papers", 1000, True),
            ("unknown.task", 20, False),
            ("unknown.task", 40, True),
        ],
    )
    def test_a_task_within_its_time_limit_is_no_fault(
        self, anybody: FlaskClient, task: str, seconds: float, is_red: bool
    ) -> None:
        Heartbeat("beat", "beat@here").note()
        since = clock.now().timestamp() - seconds
        Heartbeat("printer", "printer@here").note(["pdf"], [{"task": task, "id": "1", "since": since}])
        assert ("reason" in anybody.get("/healthz/worker").json["queues"]["pdf"]) is is_red

    def test_a_missing_beat_is_reported(self, anybody: FlaskClient) -> None:
        Heartbeat("worker", "worker@here").note(list(CANARY_SECONDS))
        assert "Beat is not alive" in anybody.get("/healthz/worker").json["message"]

    @pytest.mark.usefixtures("running_worker")
    def test_lost_processes_are_listed(self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.kernel.worker.heartbeat.LOST_AFTER", -1)
        assert anybody.get("/healthz/worker").json["lost"] == ["beat@here", "worker@here"]

    @pytest.mark.usefixtures("running_worker")
    def test_a_drained_queue_is_reported_as_drained(
        self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with unit_of_work():
            queue_drain.drain("pdf", actor="user:1")
        moment = clock.now() + timedelta(hours=1)
        monkeypatch.setattr(clock, "now", lambda: moment)
        assert {health.queue for health in queue_health.health([], queue_drain.list_drains()) if not health.is_red} == {
            "pdf"
        }
        with pytest.MonkeyPatch.context() as now:
            now.setattr(queue_health, "TICKS", 10_000)
            assert anybody.get("/healthz/worker").json["queues"]["pdf"]["status"] == "drained"
        assert 'hub_queue_drained{queue="pdf"} 1.0' in anybody.get("/metrics").text
        assert 'hub_queue_stalled{queue="pdf"} 0.0' in anybody.get("/metrics").text
        with unit_of_work():
            queue_drain.resume("pdf", actor="user:1")

        def pdf_health() -> queue_health.QueueHealth:
            return next(one for one in queue_health.health([], queue_drain.list_drains()) if one.queue == "pdf")

        # After the resume the first canary has three ticks of time; then the queue is red.
        assert not pdf_health().is_red
        later = moment + timedelta(seconds=3 * CANARY_SECONDS["pdf"] + 1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert pdf_health().is_red

    def test_without_redis_the_queues_are_red(self, app_with: Callable[..., Hub]) -> None:
        answer = app_with(redis_url="redis://127.0.0.1:1/0").test_client().get("/healthz/worker")
        assert answer.status_code == 503
        assert "Redis does not answer" in answer.json["message"]


def test_dropped_database_connections_cost_one_request(app_with: Callable[..., Hub], erp: FlaskClient) -> None:
    """COPY and other statements that use the driver directly too: one error invalidates the whole pool."""
    other = app_with()
    client = other.test_client()
    client.environ_base["HTTP_X_API_KEY"] = erp.environ_base["HTTP_X_API_KEY"]
    with other.app_context():
        pooled = [db.engine.connect() for _ in range(5)]
        pids = [connection.scalar(text("SELECT pg_backend_pid()")) for connection in pooled]
        for connection in pooled:
            connection.close()
    with db.engine.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM unnest(:pids) pid"), {"pids": pids})
    answers = [client.post("/api/sales/import/invoice/", json=a_sale()).status_code for _ in range(5)]
    assert answers[1:] == [201, 201, 201, 201]
