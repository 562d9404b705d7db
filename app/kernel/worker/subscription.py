"""A subscription to a channel of Redis that ends with an error when the server is gone without a word."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from redis.exceptions import TimeoutError as RedisTimeoutError

from app.extensions import REDIS_SECONDS, bus


class Subscription:
    """Messages of one channel, while the block runs.

    redis-py asks a silent server every ten seconds whether it is there, and then waits for ever. So a listener would
    stay with a master that froze or lost its network, while all others work with the new one.
    """

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._unanswered_since: float | None = None

    def __enter__(self) -> Self:
        self._subscribed = bus.client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._subscribed.subscribe(self._channel)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._subscribed.close()

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """The next message, or None when there is none within ``timeout`` seconds.

        Raises:
            RedisError: the connection is lost, or the server has not answered for ``REDIS_SECONDS``.
        """
        message: dict[str, Any] | None = self._subscribed.get_message(timeout=timeout)
        if not self._subscribed.health_check_response_counter:
            self._unanswered_since = None
        elif self._unanswered_since is None:
            self._unanswered_since = time.monotonic()
        elif time.monotonic() - self._unanswered_since > REDIS_SECONDS:
            raise RedisTimeoutError("The server of a subscription does not answer.")
        return message
