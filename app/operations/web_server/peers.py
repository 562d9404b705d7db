"""The peers of web connections: deadlines, a limit of those that are waited for, and connections taken over by answers.

A connection waits for its peer while the head of a request, a body or an answer is not through. When more than
``WAITING_CONNECTIONS`` of them wait in a process, the one that waits longest is closed. New requests therefore always
find a place, however many peers send half a request or do not read their answer.
"""

from __future__ import annotations

import errno
import math
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

import gevent
import gevent.socket
from gevent.monkey import get_original
from gevent.pool import Group

#: Connections of a process that may wait for their peers at once.
WAITING_CONNECTIONS = 1000
#: Seconds for one piece of an answer, and bytes for which it gets one second more.
SEND_SECONDS, LEAST_RATE = 30.0, 16 * 1024
#: Bytes that are sent at a time, each with a deadline of its own.
PIECE = 256 * 1024
#: What a peer still sends after its answer is read and dropped: until it pauses for the first number of seconds, and at
#: most for the second.
LINGER_SECONDS, LONGEST_LINGER = 1.0, 30.0
#: Sockets without the event watchers of gevent's sockets.
_PlainSocket: Any = get_original("socket", "socket")


class _Closed(BaseException):
    """This connection has waited longest, and its place is needed."""


class WaitingPeers:
    """The connections of a process that wait for their peers, in the order in which they began."""

    def __init__(self, most: int) -> None:
        self._most = most
        #: A dictionary keeps its order; the greenlets are its keys.
        self._waiting: dict[Any, None] = {}
        self._closing: set[Any] = set()

    def time_limit(self, seconds: float, *, is_silent: bool = False) -> TimeLimit:
        """A context in which the present greenlet waits for a peer.

        Raises:
            TimeoutError: it took longer than ``seconds``, or the place is needed for others; ``is_silent`` ends the
                block without an error instead.
        """
        return TimeLimit(self, seconds, is_silent=is_silent)

    def begin(self, greenlet: Any) -> None:
        """Note that a greenlet waits for its peer; if too many do, the one that waits longest gets ``_Closed``."""
        self._waiting[greenlet] = None
        if len(self._waiting) > self._most:
            self._close_first()

    def end(self, greenlet: Any) -> None:
        """Note that a greenlet waits no longer."""
        self._waiting.pop(greenlet, None)
        self._closing.discard(greenlet)

    def _close_first(self) -> None:
        greenlet = next(iter(self._waiting))
        del self._waiting[greenlet]
        self._closing.add(greenlet)

        def close() -> None:
            # By now the peer may have sent what was missing.
            if greenlet in self._closing:
                greenlet.throw(_Closed)

        gevent.get_hub().loop.run_callback(close)


class TimeLimit:
    """See ``WaitingPeers.time_limit``. Each request enters one; a generator would take twice as long."""

    __slots__ = ("_greenlet", "_is_silent", "_peers", "_seconds", "_timeout")

    def __init__(self, peers: WaitingPeers, seconds: float, *, is_silent: bool) -> None:
        self._peers = peers
        self._seconds = seconds
        self._is_silent = is_silent

    def __enter__(self) -> None:
        self._greenlet = gevent.getcurrent()
        self._timeout = gevent.Timeout.start_new(max(self._seconds, 0.001))
        self._peers.begin(self._greenlet)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        self._peers.end(self._greenlet)
        self._timeout.close()
        if error is not self._timeout and kind is not _Closed:
            return False
        if not self._is_silent:
            reason = "too many peers are slow" if kind is _Closed else "the peer is too slow"
            raise TimeoutError(reason) from None
        return True


class Peer:
    """A client's socket whose writes have a deadline; the peer can read the last answer before the end."""

    def __init__(self, client: Any, waiting: WaitingPeers, *, has_answer: bool = False) -> None:
        self._client = client
        self._waiting = waiting
        self._has_answer = has_answer
        #: Whether an answer has taken the connection over; this object writes and closes nothing then.
        self.is_taken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def take_over(self, threads: Group, on_end: Callable[[], None], *, is_chunked: bool) -> TakenConnection:
        """Take the connection over from the server; ``on_end`` is called when it has ended."""
        plain = _PlainSocket(fileno=self._client.detach())
        self.is_taken = True
        return TakenConnection(plain, self._waiting, threads, on_end, is_chunked=is_chunked)

    def sendall(self, data: Any, *flags: int) -> None:
        if self.is_taken:  # the end of the answer, as the server sees it
            return
        self._has_answer = True
        # Nearly every answer fits into the buffer of the system, and needs no deadline then.
        view = memoryview(data)[self._send_at_once(data, *flags) :]
        for start in range(0, len(view), PIECE):
            piece = view[start : start + PIECE]
            with self._sent_in_time(len(piece)):
                self._client.sendall(piece, *flags)

    def send(self, data: Any, *flags: int) -> int:
        """As ``sendall``, with its deadline. gunicorn sends ``100 Continue`` by this method."""
        self.sendall(data, *flags)
        return len(data)

    def _send_at_once(self, data: Any, *flags: int) -> int:
        """Send what the system takes without waiting; returns the number of bytes."""
        timeout = self._client.gettimeout()
        self._client.settimeout(0)
        try:
            sent: int = self._client.send(data, *flags)
        except BlockingIOError:
            sent = 0
        finally:
            self._client.settimeout(timeout)
        return sent

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> Any:
        with self._sent_in_time(count or 0):
            return self._client.sendfile(file, offset=offset, count=count)

    def close(self) -> None:
        """Close the connection; if bytes of the peer were unread then, its system would drop the answer (RFC 9112)."""
        if self.is_taken:
            return
        if self._has_answer:
            with suppress(OSError), self._waiting.time_limit(LONGEST_LINGER):
                self._client.shutdown(socket.SHUT_WR)
                self._drop_rest()
        self._client.close()

    def _drop_rest(self) -> None:
        """Read what the peer still sends. It may send faster than this reads, so others get their turn in between."""
        more = True
        while more:
            more = False
            with gevent.Timeout(LINGER_SECONDS, exception=False):
                more = bool(self._client.recv(PIECE))
            gevent.sleep(0)

    @contextmanager
    def _sent_in_time(self, size: int) -> Iterator[None]:
        self._has_answer = True
        try:
            with self._waiting.time_limit(SEND_SECONDS + size / LEAST_RATE):
                yield
        except TimeoutError as error:
            self._has_answer = False
            raise ConnectionResetError(errno.ECONNRESET, str(error)) from error


class TakenConnection:
    """The connection of an answer that goes on without the greenlet of its request; ``send`` never waits.

    What the peer's system does not take at once is written by a greenlet made for it, with the deadlines of every
    answer.
    """

    __slots__ = ("_ends_at", "_finishing", "_on_end", "_peers", "_socket", "_threads", "_unsent", "is_chunked")

    def __init__(
        self, plain: Any, peers: WaitingPeers, threads: Group, on_end: Callable[[], None], *, is_chunked: bool
    ) -> None:
        plain.setblocking(False)
        self.is_chunked = is_chunked
        self._socket: Any = plain
        self._peers = peers
        self._threads = threads
        self._on_end = on_end
        #: What a greenlet writes now, the first of it perhaps in part; None while there is nothing.
        self._unsent: deque[bytes | memoryview] | None = None
        self._finishing = False
        #: Time (``time.monotonic()``) at which the peer must have taken everything, once the answer ends.
        self._ends_at = math.inf

    @property
    def waiting(self) -> int:
        """Number of frames that the peer has not taken yet."""
        return len(self._unsent) if self._unsent else 0

    def send(self, data: bytes) -> None:
        """Send ``data``, now or after everything that waits; nothing after the end of the answer."""
        if self._finishing:
            return
        if self._unsent is not None:
            self._unsent.append(data)
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._finishing = True
            self._socket.close()
            self._on_end()
            return
        if sent < len(data):
            # No copy: the same batch of events may wait for hundreds of peers.
            self._write_later(memoryview(data)[sent:])

    def finish(self) -> None:
        """End the answer after everything that waits; the peer has as long for all of it as for one piece."""
        if self._finishing:
            return
        self._finishing = True
        end = b"0\r\n\r\n" if self.is_chunked else b""
        size = sum(map(len, self._unsent or ()))
        self._ends_at = time.monotonic() + SEND_SECONDS + size / LEAST_RATE
        if self._unsent is not None:
            self._unsent.append(end)
        else:
            self._write_later(end)

    def _write_later(self, data: bytes | memoryview) -> None:
        self._unsent = deque((data,))
        self._threads.spawn(self._write, self._unsent)

    def _write(self, unsent: deque[bytes | memoryview]) -> None:
        client = gevent.socket.socket(fileno=self._socket.fileno())
        peer = Peer(client, self._peers, has_answer=True)
        try:
            while unsent:
                if time.monotonic() > self._ends_at:
                    raise TimeoutError
                peer.sendall(unsent[0])
                unsent.popleft()
        except OSError:  # gone, or too slow
            self._finishing = True
        self._unsent = None
        if self._finishing:
            self._socket.detach()
            peer.close()
            self._on_end()
        else:
            client.detach()
