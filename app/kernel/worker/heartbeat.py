"""Heartbeats: each process registers in Redis every 3 seconds and removes itself on a clean exit."""

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
#: Seconds between heartbeats, until a silent process counts as lost, and until a lost process is deleted.
INTERVAL, LOST_AFTER, FORGOTTEN_AFTER = 3.0, 10.0, 3600.0


@dataclass(frozen=True, slots=True)
class Process:
    """The last heartbeat of a process; times are seconds since 1970."""

    name: str
    kind: str
    host: str
    pid: int
    started_at: float
    seen_at: float
    memory_bytes: int
    #: The queues of a worker.
    queues: list[str] = field(default_factory=list)
    #: The tasks that a worker runs now: name, id and start time.
    doing: list[dict[str, Any]] = field(default_factory=list)

    @property
    def silent_seconds(self) -> float:
        return max(0.0, clock.now().timestamp() - self.seen_at)

    @property
    def is_lost(self) -> bool:
        return self.silent_seconds > LOST_AFTER


class Heartbeat:
    """Heartbeat of the current process; ``note`` may be called at any rate and writes every ``INTERVAL`` seconds."""

    def __init__(self, kind: str, name: str | None = None) -> None:
        self.host = platform.node()
        self.kind = kind
        self.name = name or f"{kind}@{self.host}/{os.getpid()}"
        self._started_at = clock.now().timestamp()
        self._next_at = 0.0

    def note(self, queues: Sequence[str] = (), doing: Sequence[dict[str, Any]] = ()) -> None:
        """Write the heartbeat; without Redis it is skipped."""
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + INTERVAL
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
        """Remove the process after a clean exit, so that it does not count as lost."""
        try:
            bus.client.hdel(KEY, self.name)
        except RedisError as error:
            log.debug("presence_not_ended", error=str(error))


def processes() -> list[Process]:
    """All processes with a heartbeat within the last hour, lost ones too.

    Raises:
        RedisError: Redis is not available.
    """
    stored: Any = bus.client.hgetall(KEY)
    found = [msgspec.json.decode(text, type=Process) for text in stored.values()]
    forgotten = [process.name for process in found if process.silent_seconds > FORGOTTEN_AFTER]
    if forgotten:
        bus.client.hdel(KEY, *forgotten)
    return sorted((p for p in found if p.name not in forgotten), key=lambda p: (p.kind, p.name))


def _memory_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
