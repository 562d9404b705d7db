"""Failed tasks: record and retry."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import bus, db
from app.kernel import clock
from app.kernel.errors import NotFound
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import REQUEST_ID
from app.operations.models import FailedTask
from app.operations.monitoring import failed_tasks
from app.operations.tasks import canary


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_words: Any) -> None:
        raise ValueError("no luck with ayse@shop.example")

    monkeypatch.setattr("app.operations.monitoring.queue_health.record", fail)


def stored() -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(FailedTask.__table__).order_by(FailedTask.id)))


@pytest.mark.usefixtures("broken")
def test_a_failed_task_is_recorded_without_personal_data(app: Hub) -> None:
    canary.apply(args=["pdf"], headers={REQUEST_ID: "of-somebody"})
    [failure] = stored()
    assert (failure.task, failure.arguments) == ("operations.canary", ["pdf"])
    assert failure.error == "ValueError: no luck with a***@shop.example"


@pytest.mark.usefixtures("broken")
def test_repeated_failures_are_one_row_per_minute(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (0, 1, 30, 61):
        moment = clock.now() + timedelta(seconds=seconds)
        with monkeypatch.context() as later:
            later.setattr(clock, "now", lambda moment=moment: moment)
            canary.apply(args=["pdf"])
    assert len(stored()) == 2


@pytest.mark.usefixtures("broken")
def test_a_failed_task_can_be_retried(app: Hub) -> None:
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


def test_an_unknown_failure_cannot_be_retried(app: Hub) -> None:
    with pytest.raises(NotFound), unit_of_work():
        failed_tasks.retry(7, actor="user:1")
