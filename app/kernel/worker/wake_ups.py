"""Wake-ups: tell the running rounds of a task about new work at once, while its message waits for a free process."""

from __future__ import annotations

import functools
import os
import threading
import time

import structlog
from redis.exceptions import RedisError

from app.extensions import bus
from app.kernel.worker.subscription import Subscription

log = structlog.get_logger(__name__)
_RECONNECT_SECONDS, _LISTEN_SECONDS = 1.0, 5.0
#: One line for each outage that lasts longer than a reconnection.
_REPORTED_FAILURE = 3


class WakeUps:
    """The wake-ups of one task, through a Redis channel. One that is lost costs the wait of a round, not the work."""

    def __init__(self, task_name: str) -> None:
        self._channel = f"hub:work:{task_name}"
        self._event = threading.Event()
        self._pid = 0
        self._start_lock = threading.Lock()

    def announce(self) -> None:
        """Wake the rounds of all processes.

        Raises:
            RedisError: Redis did not take it.
        """
        bus.client.publish(self._channel, "")

    def listen(self) -> threading.Event:
        """The event of this process that each wake-up sets; a thread listens from the first call on."""
        if self._pid != os.getpid():  # threads do not survive a fork
            with self._start_lock:
                if self._pid != os.getpid():
                    self._pid = os.getpid()
                    threading.Thread(target=self._run, name=f"listen {self._channel}", daemon=True).start()
        return self._event

    def _run(self) -> None:
        failures = 0
        while True:
            try:
                with Subscription(self._channel) as channel:
                    failures = 0
                    while True:
                        if channel.receive(_LISTEN_SECONDS):
                            self._event.set()
            except RedisError as error:
                failures += 1
                if failures == _REPORTED_FAILURE:
                    log.warning("wake_ups_redis_away", channel=self._channel, error=str(error))
            except Exception:  # without this thread each round would only look now and then
                log.exception("wake_ups_failed", channel=self._channel)
            time.sleep(_RECONNECT_SECONDS)


@functools.cache
def wake_ups_of(task_name: str) -> WakeUps:
    """The wake-ups of a task in this process."""
    return WakeUps(task_name)
