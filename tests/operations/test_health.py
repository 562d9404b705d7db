"""Liveness and readiness, also when what the hub stands on is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from app.celery_config import CANARY_SECONDS
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.heartbeat import Heartbeat
from app.operations.monitoring import canaries, queue_drain
from app.operations.tasks import canary
from tests.factories import a_sale

NOWHERE = "postgresql+psycopg://hub@127.0.0.1:1/hub"


@pytest.fixture
def without_database(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same application, whose database refuses every connection."""
    monkeypatch.setitem(db._app_engines[app], None, create_engine(NOWHERE))


def test_all_is_well(anybody: FlaskClient) -> None:
    assert anybody.get("/healthz").json == {"status": "ok"}
    assert anybody.get("/readyz").json == {"status": "ok", "database": "ok", "redis": "ok"}


@pytest.mark.usefixtures("without_database")
class TestWithoutADatabase:
    def test_it_is_alive_and_not_ready(self, anybody: FlaskClient) -> None:
        assert anybody.get("/healthz").status_code == 200
        answer = anybody.get("/readyz")
        assert answer.status_code == 503
        assert answer.json == {"message": "The database is not ready: OperationalError"}

    def test_requests_are_asked_to_come_back(self, erp: FlaskClient) -> None:
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


def test_without_redis_it_is_ready_and_says_so(app_with: Callable[..., Hub]) -> None:
    answer = app_with(redis_url="redis://127.0.0.1:1/0").test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "degraded", "database": "ok", "redis": "ConnectionError"}


def test_an_empty_pool_asks_for_patience(app_with: Callable[..., Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    other = app_with(database_pool_size=1)
    with other.app_context():
        monkeypatch.setattr(db.engine.pool, "_timeout", 0)
        monkeypatch.setattr(db.engine.pool, "_max_overflow", 0)
        with db.engine.connect():
            answer = other.test_client().get("/api/sales/invoices/", headers={"X-API-KEY": "x" * 20})
    assert answer.status_code == 503
    assert answer.json["success"] is False


class TestWork:
    @pytest.fixture
    def at_work(self, app: Hub) -> None:
        """Every queue has just been worked on, by a worker that is there like beat."""
        for queue in CANARY_SECONDS:
            canary.apply(args=[queue])
        Heartbeat("worker", "worker@here").note(list(CANARY_SECONDS))
        Heartbeat("beat", "beat@here").note()

    def looked_at(self, client: FlaskClient, later: float, monkeypatch: pytest.MonkeyPatch) -> tuple[int, Any]:
        """Ask so many seconds later, with everybody still there."""
        moment = clock.now() + timedelta(seconds=later)
        monkeypatch.setattr(clock, "now", lambda: moment)
        monkeypatch.setattr("app.kernel.worker.heartbeat.LOST_AFTER", later + 10)
        answer = client.get("/healthz/worker")
        return answer.status_code, answer.json

    @pytest.mark.usefixtures("at_work")
    def test_it_is_green_while_canaries_come_through(self, anybody: FlaskClient) -> None:
        answer = anybody.get("/healthz/worker")
        assert answer.status_code == 200
        assert answer.json["status"] == "ok"
        assert set(answer.json["queues"]) == set(CANARY_SECONDS)
        assert answer.json["lost"] == []

    @pytest.mark.usefixtures("at_work")
    def test_a_worker_that_is_up_and_consumes_nothing_is_told(
        self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        status, body = self.looked_at(anybody, CANARY_SECONDS["default"] * canaries.TICKS + 1, monkeypatch)
        assert (status, body["error"], body["status"]) == (503, "NOT_CONSUMED", "red")
        assert body["queues"]["default"]["reason"] == "worker@here is up and does not consume."
        assert body["queues"]["pdf"]["status"] == "ok"
        assert "worker@here is up and does not consume." in body["message"]

    @pytest.mark.usefixtures("at_work")
    def test_just_before_three_ticks_it_is_green(self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        status, _ = self.looked_at(anybody, CANARY_SECONDS["default"] * canaries.TICKS - 1, monkeypatch)
        assert status == 200

    def test_a_queue_without_a_worker_says_so(self, anybody: FlaskClient) -> None:
        answer = anybody.get("/healthz/worker")
        assert answer.status_code == 503
        assert answer.json["queues"]["pdf"]["reason"] == "No worker of the queue pdf is alive."

    def test_what_a_worker_is_busy_with_is_named(self, anybody: FlaskClient) -> None:
        Heartbeat("beat", "beat@here").note()
        Heartbeat("printer", "printer@here").note(["pdf"], [{"task": "einvoices.print_pdfs", "id": "1", "since": 0}])
        reason = anybody.get("/healthz/worker").json["queues"]["pdf"]["reason"]
        assert reason == "printer@here is up and does not consume (running einvoices.print_pdfs)."

    def test_a_timer_that_is_gone_is_named(self, anybody: FlaskClient) -> None:
        Heartbeat("worker", "worker@here").note(list(CANARY_SECONDS))
        assert "Beat is not alive" in anybody.get("/healthz/worker").json["message"]

    @pytest.mark.usefixtures("at_work")
    def test_who_went_without_a_word_is_named(self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.kernel.worker.heartbeat.LOST_AFTER", -1)
        assert anybody.get("/healthz/worker").json["lost"] == ["beat@here", "worker@here"]

    @pytest.mark.usefixtures("at_work")
    def test_a_drained_queue_is_drained_and_no_fault(
        self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with unit_of_work():
            queue_drain.drain("pdf", actor="user:1")
        moment = clock.now() + timedelta(hours=1)
        monkeypatch.setattr(clock, "now", lambda: moment)
        assert {health.queue for health in canaries.health([], queue_drain.list_drains()) if not health.is_red} == {
            "pdf"
        }
        with pytest.MonkeyPatch.context() as now:
            now.setattr(canaries, "TICKS", 10_000)
            assert anybody.get("/healthz/worker").json["queues"]["pdf"]["status"] == "drained"
        assert 'hub_queue_drained{queue="pdf"} 1.0' in anybody.get("/metrics").text
        assert 'hub_queue_stalled{queue="pdf"} 0.0' in anybody.get("/metrics").text
        with unit_of_work():
            queue_drain.resume("pdf", actor="user:1")
        # Its first canary may be on its way; after that there is no excuse.
        assert not canaries.health([], queue_drain.list_drains())[2].is_red
        later = moment + timedelta(seconds=3 * CANARY_SECONDS["pdf"] + 1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert canaries.health([], queue_drain.list_drains())[2].is_red

    def test_without_redis_nothing_can_be_consumed(self, app_with: Callable[..., Hub]) -> None:
        answer = app_with(redis_url="redis://127.0.0.1:1/0").test_client().get("/healthz/worker")
        assert answer.status_code == 503
        assert "Redis does not answer" in answer.json["message"]


def test_a_database_that_dropped_its_connections_costs_one_request(
    app_with: Callable[..., Hub], erp: FlaskClient
) -> None:
    """Statements that speak to the driver itself too: every other connection of the pool was dropped with it."""
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


def test_a_canary_of_a_worker_that_is_long_gone_is_forgotten(app: Hub) -> None:
    canary.apply(args=["default"])
    with unit_of_work():
        canaries.delete_older_than(clock.now() + timedelta(seconds=1))
    assert all(queue.age_seconds is None for queue in canaries.health([]))
