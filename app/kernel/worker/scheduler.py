"""Celery's timer as this hub runs it: it says that it is there each time it looks for what is due."""

from __future__ import annotations

import atexit
from typing import Any

from celery.beat import PersistentScheduler

from app.kernel.worker.heartbeat import Heartbeat


class HubScheduler(PersistentScheduler):
    """Celery's own scheduler, whose last tick everybody can see."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._presence = Heartbeat("beat")
        atexit.register(self._presence.leave)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        self._presence.note()
        return super().tick(*args, **kwargs)
