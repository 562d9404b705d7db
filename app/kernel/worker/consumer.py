"""A Celery consumer that survives the loss of the broker and tries to reconnect every second."""

from __future__ import annotations

from typing import Any

import structlog
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

log = structlog.get_logger(__name__)
RETRY_SECONDS = 1


class EagerConsumer(Consumer):
    """Celery's consumer without two faults: its retry interval grows to 30 s, and it may end with its broker."""

    def ensure_connected(self, conn: Any) -> Any:
        """Try every second until the broker is back or the worker must stop."""
        conn.ensure_connection(
            lambda error, _interval: log.warning("broker_away", error=str(error)),
            interval_start=RETRY_SECONDS,
            interval_step=0,
            interval_max=RETRY_SECONDS,
            callback=maybe_shutdown,
        )
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close the lost connection; the broker delivers unfinished messages again after the visibility timeout."""
        try:
            super().on_connection_error_after_connected(exc)
        except AttributeError as error:
            # If a message is being processed, kombu 5.7 reads the transport that it has just released, and the worker
            # would end with "Unrecoverable error". The connection is closed by then, so nothing is left to do.
            log.warning("lost_connection_left_open", error=str(error))
