"""Places for open streams: how many a credential, a user and a process may have; processes tell each other by Redis."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter as Tally
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from redis.exceptions import RedisError

from app.accounts.principals import Principal
from app.extensions import bus
from app.kernel.messages import N_
from app.stream.errors import NoPlaceForStream, TooManyStreams

log = structlog.get_logger(__name__)
#: Redis hash: name of the process -> its open streams by user.
KEY = "hub:streams"
#: Seconds between two exchanges, and after which the counts of a process are no longer valid.
EXCHANGE_SECONDS, STALE_SECONDS = 1.0, 10.0
_RETRY_AFTER = {"Retry-After": "5"}


class Counts(msgspec.Struct):
    """Open streams of one process, by user, and when they were counted (seconds since 1970)."""

    at: float
    streams: dict[str, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many streams may be open at the same time."""

    per_credential: int
    per_user: int
    per_process: int


class StreamPlaces:
    """The open streams of this process, and those of the users in other processes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_credential: Tally[str] = Tally()
        self._by_user: Tally[str] = Tally()
        self._elsewhere: Tally[str] = Tally()
        self._exchanged_at = 0.0

    def reserve(self, caller: Principal, limits: Limits) -> None:
        """Take a place for a stream of ``caller``, before its answer begins; ``release`` gives it back.

        Raises:
            TooManyStreams: the credential, or its user with all credentials, has as many as it may have.
            NoPlaceForStream: the streams of all callers take as many connections as they may; the rest is for requests.
        """
        credential, user = caller.credential, _user(caller)
        with self._lock:
            if self._by_credential[credential] >= limits.per_credential:
                raise TooManyStreams(headers=_RETRY_AFTER)
            if self._by_user[user] + self._elsewhere[user] >= limits.per_user:
                raise TooManyStreams(N_("This user has as many open streams as it may have."), headers=_RETRY_AFTER)
            if self._by_credential.total() >= limits.per_process:
                raise NoPlaceForStream(headers=_RETRY_AFTER)
            self._by_credential[credential] += 1
            self._by_user[user] += 1

    def release(self, caller: Principal) -> None:
        """Give the place of an ended stream back."""
        with self._lock:
            for tally, name in ((self._by_credential, caller.credential), (self._by_user, _user(caller))):
                tally[name] -= 1
                if not tally[name]:
                    del tally[name]

    def exchange_if_due(self) -> None:
        """Write the counts of this process to Redis and read those of the others; no request waits for it."""
        if time.monotonic() - self._exchanged_at < EXCHANGE_SECONDS:
            return
        self._exchanged_at = time.monotonic()
        with self._lock:
            own = Counts(time.time(), {user: count for user, count in self._by_user.items() if count > 0})
        try:
            elsewhere = _exchange(own)
        except (RedisError, msgspec.DecodeError) as error:
            log.debug("stream_counts_not_exchanged", error=str(error))
            elsewhere = Tally()
        with self._lock:
            self._elsewhere = elsewhere


def _user(caller: Principal) -> str:
    """The user of ``caller``; a key belongs to nobody, so it counts as a user of its own."""
    return caller.credential if caller.user_id is None else f"user:{caller.user_id}"


def _exchange(own: Counts) -> Tally[str]:
    name = f"{socket.gethostname()}:{os.getpid()}"
    with bus.client.pipeline(transaction=False) as pipe:
        pipe.hset(KEY, name, msgspec.json.encode(own).decode())
        pipe.hgetall(KEY)
        stored: dict[str, Any] = pipe.execute()[-1]
    others = {process: msgspec.json.decode(text, type=Counts) for process, text in stored.items() if process != name}
    ended = [process for process, counts in others.items() if abs(own.at - counts.at) > STALE_SECONDS]
    if ended:
        bus.client.hdel(KEY, *ended)
    total: Tally[str] = Tally()
    for process, counts in others.items():
        if process not in ended:
            total.update(counts.streams)
    return total


places = StreamPlaces()
