"""A client of ``text/event-stream`` that records each frame with its time of arrival."""

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
    """A dispatched event (WHATWG HTML, section 9.2.6); comments are counted separately."""

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
        # The answer takes over the socket; ``close()`` still needs it.
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        self.frames: queue.Queue[Frame | None] = queue.Queue()
        self.comments = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def next(self, timeout: float = 10.0) -> Frame:
        """The next frame; fails if the stream ended or no frame came in time."""
        frame = self.frames.get(timeout=timeout)
        assert frame is not None, "the stream ended"
        return frame

    def close(self) -> None:
        """Close the connection, even in the middle of a frame."""
        with contextlib.suppress(OSError):  # the server may have closed it first
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._answer.close()
        self._connection.close()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            while line := self._answer.readline():
                fields = self._parse_line(line.decode().rstrip("\n"), fields)
        except (OSError, http.client.HTTPException):
            pass  # closed by ``close()`` or by the server; complete frames are in the queue
        self.frames.put(None)

    def _parse_line(self, line: str, fields: dict[str, str]) -> dict[str, str]:
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
