"""The scheduler of Celery beat with a heartbeat at every tick."""

from __future__ import annotations

import atexit
from typing import Any

from celery.beat import PersistentScheduler

from app.kernel.worker.heartbeat import Heartbeat


class HubScheduler(PersistentScheduler):
    """Celery's scheduler; each tick writes the heartbeat of the process ``beat``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heartbeat = Heartbeat("beat")
        atexit.register(self._heartbeat.leave)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        self._heartbeat.note()
        return super().tick(*args, **kwargs)
