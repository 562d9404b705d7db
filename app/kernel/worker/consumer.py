"""A Celery consumer that survives the loss of its broker and looks for it every second."""

from __future__ import annotations

from typing import Any

import structlog
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

log = structlog.get_logger(__name__)
RETRY_SECONDS = 1


class EagerConsumer(Consumer):
    """Celery's own consumer, but for two faults: it comes to wait for half a minute, and it can end with its broker."""

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

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Give the lost connection up; messages in hand come back after the visibility timeout."""
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            # With a message in hand kombu 5.7 looks for the transport that it has just let go, and the worker would end
            # with "Unrecoverable error". The connection is gone by then, which is all that was wanted.
            log.warning("lost_connection_left_open", error=str(error))
