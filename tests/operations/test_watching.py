"""Workers under watch: what failed is written down and can be run again, and messages say where they come from."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import bus, celery, db
from app.kernel import clock, logs
from app.kernel.errors import NotFound
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import REQUEST_ID, SENT_AT
from app.operations.models import FailedTask
from app.operations.monitoring import broker_queues, failed_tasks
from app.operations.tasks import canary


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_words: Any) -> None:
        raise ValueError("no luck with ayse@shop.example")

    monkeypatch.setattr("app.operations.monitoring.canaries.record", fail)


def stored() -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(FailedTask.__table__)))


@pytest.mark.usefixtures("broken")
def test_a_task_that_fails_is_written_down_without_personal_data(app: Hub) -> None:
    canary.apply(args=["pdf"], headers={REQUEST_ID: "of-somebody"})
    [failure] = stored()
    assert (failure.task, failure.arguments) == ("operations.canary", ["pdf"])
    assert failure.error == "ValueError: no luck with a***@shop.example"


@pytest.mark.usefixtures("broken")
def test_one_that_fails_each_second_is_one_row_a_minute(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (0, 1, 30, 61):
        moment = clock.now() + timedelta(seconds=seconds)
        with monkeypatch.context() as later:
            later.setattr(clock, "now", lambda moment=moment: moment)
            canary.apply(args=["pdf"])
    assert len(stored()) == 2


@pytest.mark.usefixtures("broken")
def test_it_can_be_run_again(app: Hub) -> None:
    canary.apply(args=["pdf"])
    [failure] = stored()
    with unit_of_work():
        failed_tasks.retry(failure.id, actor="user:1")
    assert stored()[0].retried_at is not None
    message = json.loads(str(bus.client.lindex("default", -1)))
    assert message["headers"]["task"] == "operations.canary"
    with db.engine.connect() as connection:
        [entry] = connection.execute(select(AuditEntry.action, AuditEntry.actor)).all()
    assert tuple(entry) == ("task.retried", "user:1")


def test_what_never_failed_cannot_be_run_again(app: Hub) -> None:
    with pytest.raises(NotFound), unit_of_work():
        failed_tasks.retry(7, actor="user:1")


def test_a_message_says_when_it_was_sent_and_for_which_request(app: Hub) -> None:
    with logs.log_context(request_id="of-somebody"):
        celery.send_task("operations.canary", args=["pdf"])
    headers = json.loads(str(bus.client.lindex("default", -1)))["headers"]
    assert headers[REQUEST_ID] == "of-somebody"
    assert headers[SENT_AT] > 1_700_000_000
    assert logs.request_id() is None


def test_the_oldest_message_gives_the_age_of_a_queue(app: Hub) -> None:
    for _ in range(3):
        celery.send_task("operations.canary", args=["pdf"])
    [default] = [queue for queue in broker_queues.queue_depths() if queue.name == "default"]
    assert default.depth == 3
    assert 0 < default.oldest_seconds < 60


def test_following_restores_what_was_there() -> None:
    with logs.log_context(request_id="outer", task="a"):
        with logs.log_context(request_id="inner"):
            assert logs.request_id() == "inner"
        assert logs.request_id() == "outer"
    assert logs.request_id() is None
