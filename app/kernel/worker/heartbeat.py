"""Who is at work: each process of the hub says every few seconds that it is there, and goes with a word."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import structlog
from redis.exceptions import RedisError

from app.extensions import bus
from app.kernel import clock

log = structlog.get_logger(__name__)
KEY = "hub:processes"
#: Seconds between words, after which a silent process is lost, and after which a lost one is forgotten.
INTERVAL, LOST_AFTER, FORGOTTEN_AFTER = 3.0, 10.0, 3600.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it last described itself; moments are seconds since 1970."""

    name: str
    kind: str
    host: str
    pid: int
    started_at: float
    seen_at: float
    memory_bytes: int
    #: What a worker takes its work from.
    queues: list[str] = field(default_factory=list)
    #: What a worker runs at this moment: task, id and since when.
    doing: list[dict[str, Any]] = field(default_factory=list)

    @property
    def silent_seconds(self) -> float:
        return max(0.0, clock.now().timestamp() - self.seen_at)

    @property
    def is_lost(self) -> bool:
        return self.silent_seconds > LOST_AFTER


class Heartbeat:
    """The present process; ``note`` is called as often as one likes and speaks every few seconds."""

    def __init__(self, kind: str, name: str | None = None) -> None:
        self.host = platform.node()
        self.kind = kind
        self.name = name or f"{kind}@{self.host}/{os.getpid()}"
        self._started_at = clock.now().timestamp()
        self._next = 0.0

    def note(self, queues: Sequence[str] = (), doing: Sequence[dict[str, Any]] = ()) -> None:
        """Say that the process is there; a Redis that is away is passed over."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + INTERVAL
        process = Process(
            name=self.name,
            kind=self.kind,
            host=self.host,
            pid=os.getpid(),
            started_at=self._started_at,
            seen_at=clock.now().timestamp(),
            memory_bytes=_memory_bytes(),
            queues=list(queues),
            doing=list(doing),
        )
        try:
            bus.client.hset(KEY, self.name, msgspec.json.encode(process).decode())
        except RedisError as error:
            log.debug("presence_not_noted", error=str(error))

    def leave(self) -> None:
        """The process ends because it was told to: nobody shall miss it."""
        try:
            bus.client.hdel(KEY, self.name)
        except RedisError as error:
            log.debug("presence_not_ended", error=str(error))


def processes() -> list[Process]:
    """All that were heard of within the hour, lost ones too.

    Raises:
        RedisError: nobody can tell.
    """
    noted: Any = bus.client.hgetall(KEY)
    found = [msgspec.json.decode(word, type=Process) for word in noted.values()]
    forgotten = [process.name for process in found if process.silent_seconds > FORGOTTEN_AFTER]
    if forgotten:
        bus.client.hdel(KEY, *forgotten)
    return sorted((p for p in found if p.name not in forgotten), key=lambda p: (p.kind, p.name))


def _memory_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
