"""The scheduler of Celery beat, with a heartbeat at every tick, for clocks that go back."""

from __future__ import annotations

import atexit
from typing import Any

import structlog
from celery.beat import PersistentScheduler

from app.kernel.worker.heartbeat import Heartbeat

log = structlog.get_logger(__name__)


class HubScheduler(PersistentScheduler):
    """Celery's scheduler; each tick writes the heartbeat of the process ``beat``.

    Celery computes with the time of the machine. After the clock was put back by three hours, no task would run for
    three hours; so a run that is dated in the future counts as one of now.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heartbeat = Heartbeat("beat")
        atexit.register(self._heartbeat.leave)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        self._heartbeat.note()
        self._correct_future_runs()
        return super().tick(*args, **kwargs)

    def _correct_future_runs(self) -> None:
        corrected, now = 0, self.app.now()  # each entry would compute it anew, which is most of the work of a tick
        for entry in self.schedule.values():
            if entry.last_run_at and entry.last_run_at > now:
                entry.last_run_at = now
                corrected += 1
        if corrected:
            log.warning("clock_went_back", tasks=corrected)
            self._heap = None  # the next tick computes all times anew
