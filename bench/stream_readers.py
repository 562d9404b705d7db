"""Readers of streams: thousands of connections in one process that does nothing but note when each event arrives."""

from __future__ import annotations

import multiprocessing
import re
import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)
_OPENED = b": keep-alive\n"
#: Connections that are opened at the same time.
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Position and time (``time.monotonic()``) of each frame, and the CPU seconds that the readers used for them."""

    frames: list[tuple[int, float]]
    cpu_seconds: float


class Readers:
    """The readers, seen from the benchmark."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def open(self, tokens: Sequence[str]) -> None:
        """Open a stream with each token; returns when all are open."""
        self._ask("open", tokens)

    def take(self) -> Arrivals:
        """What arrived since the last call."""
        return Arrivals(*self._ask("take"))

    def close(self) -> None:
        """Close all streams."""
        self._ask("close")

    def _ask(self, *request: Any) -> Any:
        self._channel.send(request)
        refused, answer = self._channel.recv()
        if refused:
            raise RuntimeError(refused)
        return answer


@contextmanager
def stream_readers(port: int) -> Iterator[Readers]:
    """Run the process of the readers."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_read, args=(port, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Readers(ours)
    finally:
        process.kill()
        process.join()


def _read(port: int, channel: Any) -> None:
    connections: dict[int, socket.socket] = {}
    frames: list[tuple[int, float]] = []
    waiting, began = select.epoll(), time.process_time()
    waiting.register(channel.fileno(), select.EPOLLIN)
    while True:
        for fileno, _ in waiting.poll():
            if fileno in connections:
                data, now = connections[fileno].recv(65536), time.monotonic()
                if not data:
                    waiting.unregister(fileno)
                    connections.pop(fileno).close()
                frames += [(int(position), now) for position in _ID.findall(data)]
                continue
            request, *values = channel.recv()
            refused, answer = "", None
            if request == "open":
                refused = _open(port, values[0], waiting, connections)
            elif request == "close":
                for connection in connections.values():
                    connection.close()
                connections.clear()
            else:
                answer = (frames, time.process_time() - began)
                frames, began = [], time.process_time()
            channel.send((refused, answer))


def _open(port: int, tokens: Sequence[str], waiting: select.epoll, connections: dict[int, socket.socket]) -> str:
    """Open a stream with each token; returns what the hub answers if it refuses one, else nothing."""
    for start in range(0, len(tokens), _AT_ONCE):
        opened = []
        for token in tokens[start : start + _AT_ONCE]:
            opened.append(socket.create_connection(("127.0.0.1", port), timeout=60))
            head = f"GET /api/sales/sse/invoices/ HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\r\n"
            opened[-1].sendall(head.encode())
        for connection in opened:
            answer = b""
            while _OPENED not in answer:
                part = connection.recv(4096)
                answer += part
                if not part or not answer.startswith(b"HTTP/1.1 200 "):
                    return answer.decode()
            connection.setblocking(False)
            connections[connection.fileno()] = connection
            waiting.register(connection.fileno(), select.EPOLLIN)
    return ""
