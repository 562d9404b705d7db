"""A Celery consumer that looks for a lost broker every second; Celery's own comes to wait for half a minute."""

from __future__ import annotations

from typing import Any

import structlog
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

log = structlog.get_logger(__name__)
RETRY_SECONDS = 1


class EagerConsumer(Consumer):
    """Celery's own consumer but for the pauses between its attempts to connect."""

    def ensure_connected(self, conn: Any) -> Any:
        """Try each second until the broker is back or the worker is told to stop."""
        conn.ensure_connection(
            lambda error, _interval: log.warning("broker_away", error=str(error)),
            interval_start=RETRY_SECONDS,
            interval_step=0,
            interval_max=RETRY_SECONDS,
            callback=maybe_shutdown,
        )
        return super().ensure_connected(conn)
