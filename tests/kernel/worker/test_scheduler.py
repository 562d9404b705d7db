"""The scheduler of beat runs its tasks although the clock was put back."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.extensions import celery
from app.kernel.http.app import Hub
from app.kernel.worker.scheduler import HubScheduler


@pytest.mark.parametrize("restarted", [False, True], ids=["while it runs", "while it was stopped"])
def test_tasks_run_after_the_clock_was_put_back(
    app: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarted: bool
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(HubScheduler, "apply_entry", lambda _self, entry, **_facts: sent.append(entry.name))

    def start() -> Any:
        return HubScheduler(app=celery, schedule_filename=str(tmp_path / "schedule"))

    scheduler = start()
    try:
        scheduler.tick()
        for entry in scheduler.schedule.values():
            entry.last_run_at += timedelta(hours=3)
        scheduler._heap = None
        if restarted:
            scheduler.close()
            scheduler = start()
        deadline = time.monotonic() + 5
        sent.clear()
        while "events.relay" not in sent and time.monotonic() < deadline:
            time.sleep(max(0, min(scheduler.tick(), 0.1)))
        assert "events.relay" in sent
    finally:
        scheduler.close()
        scheduler._heartbeat.leave()
