"""Storage of rate limits: Redis, or the memory of this process while Redis does not answer in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import structlog
from limits.storage import MemoryStorage, RedisStorage, Storage
from redis.exceptions import RedisError

from app.redis_servers import SCHEMES, RedisServers

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

_PREFIX = "failover+"
#: While Redis is away, one request in so many seconds tries it again.
PROBE_SECONDS = 1.0


def storage_uri(redis_url: str) -> str:
    """The address of the storage for Flask-Limiter."""
    return _PREFIX + redis_url


class FailoverStorage(Storage):
    """Counts in Redis; a call that fails counts in memory, and so do all others until Redis answers again.

    Flask-Limiter has such a fallback too, but raises the error in all requests that were under way when it switches.
    """

    STORAGE_SCHEME = sorted(f"{_PREFIX}{scheme}" for scheme in SCHEMES)

    def __init__(self, uri: str, wrap_exceptions: bool = False, *, timeout: float, **_options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        client = RedisServers.parse(uri.removeprefix(_PREFIX)).client(timeout)
        self._redis = RedisStorage("redis://", connection_pool=client.connection_pool)
        self._is_away = False
        self._probe_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        return RedisError

    @cached_property
    def _memory(self) -> Storage:
        """Made at its first use: it starts a thread, which would be missing in processes that are forked later."""
        return MemoryStorage()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._first(lambda storage: storage.incr(key, expiry, amount))

    def get(self, key: str) -> int:
        return self._first(lambda storage: storage.get(key))

    def get_expiry(self, key: str) -> float:
        return self._first(lambda storage: storage.get_expiry(key))

    def clear(self, key: str) -> None:
        self._memory.clear(key)
        self._first(lambda storage: storage.clear(key))

    def reset(self) -> int | None:
        self._memory.reset()
        return self._first(lambda storage: storage.reset())

    def check(self) -> bool:
        """Always true: the memory of the process is there."""
        return True

    def _first(self, call: Callable[[Storage], Result]) -> Result:
        """The result of Redis, or of the memory while Redis is away."""
        if self._is_away:
            if time.monotonic() < self._probe_at:
                return call(self._memory)
            self._probe_at = time.monotonic() + PROBE_SECONDS  # the other requests do not wait for this one
        try:
            result = call(self._redis)
        except RedisError as error:
            if not self._is_away:
                log.warning("rate_limits_counted_in_process", error=str(error))
            self._is_away, self._probe_at = True, time.monotonic() + PROBE_SECONDS
            return call(self._memory)
        self._is_away = False
        return result
