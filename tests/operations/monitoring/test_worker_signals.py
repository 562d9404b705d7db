"""Heartbeats of processes, headers of Celery messages, and the log context of tasks."""

from __future__ import annotations

import json

import pytest

from app.extensions import bus, celery
from app.kernel import logs
from app.kernel.http.app import Hub
from app.kernel.worker import heartbeat
from app.kernel.worker.celery_app import REQUEST_ID, SENT_AT


def test_lost_processes_are_deleted_after_an_hour(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat.Heartbeat("worker", "worker@here").note()
    [known] = heartbeat.processes()
    assert not known.is_lost
    monkeypatch.setattr(heartbeat, "LOST_AFTER", -1)
    assert heartbeat.processes()[0].is_lost
    monkeypatch.setattr(heartbeat, "FORGOTTEN_AFTER", -1)
    assert heartbeat.processes() == []
    assert bus.client.hlen(heartbeat.KEY) == 0


def test_a_message_has_its_send_time_and_request_id(app: Hub) -> None:
    with logs.log_context(request_id="of-somebody"):
        celery.send_task("operations.canary", args=["pdf"])
    headers = json.loads(str(bus.client.lindex("default", -1)))["headers"]
    assert headers[REQUEST_ID] == "of-somebody"
    assert headers[SENT_AT] > 1_700_000_000
    assert logs.request_id() is None


def test_following_restores_the_previous_context() -> None:
    with logs.log_context(request_id="outer", task="a"):
        with logs.log_context(request_id="inner"):
            assert logs.request_id() == "inner"
        assert logs.request_id() == "outer"
    assert logs.request_id() is None
