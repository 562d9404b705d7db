"""A real client of ``text/event-stream``: frames as they come over the wire, each with when it came."""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """A dispatched event (WHATWG HTML, section 9.2.6); comments are kept to see signs of life."""

    id: str | None
    event: str
    data: str
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Listener:
    """One connection, read in the background until ``close()``."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.request("GET", path, headers=headers)
        # The answer takes the socket over; hanging up needs it all the same.
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        self.frames: queue.Queue[Frame | None] = queue.Queue()
        self.comments = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def next(self, timeout: float = 10.0) -> Frame:
        """The next frame; fails when the stream ended or nothing came in time."""
        frame = self.frames.get(timeout=timeout)
        assert frame is not None, "the stream ended"
        return frame

    def close(self) -> None:
        """Hang up, in the middle of whatever is being sent."""
        with contextlib.suppress(OSError):  # the other side may have hung up first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._answer.close()
        self._connection.close()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            while line := self._answer.readline():
                fields = self._take(line.decode().rstrip("\n"), fields)
        except (OSError, http.client.HTTPException):
            pass  # hung up by ``close()`` or by the other side; what was complete is in the queue
        self.frames.put(None)

    def _take(self, line: str, fields: dict[str, str]) -> dict[str, str]:
        if not line:
            if "data" in fields:
                frame = Frame(fields.get("id"), fields.get("event", "message"), fields["data"], time.monotonic())
                self.frames.put(frame)
            return {}
        if line.startswith(":"):
            self.comments += 1
            return fields
        name, _, value = line.partition(": ")
        return {**fields, name: value}
