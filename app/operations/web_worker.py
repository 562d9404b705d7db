"""The gunicorn worker of the hub: gevent, with deadlines for slow peers and a limit of connections that wait for them.

A connection waits for its peer while the head of a request, a body or an answer is not through. When more than
``WAITING_CONNECTIONS`` of them wait in a process, the one that waits longest is closed. New requests therefore always
find a place, however many peers send half a request or do not read their answer.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import gevent
import gevent.socket
from gunicorn.http.errors import ParseException
from gunicorn.workers.ggevent import GeventWorker

#: Connections of a process that may wait for their peers at once.
WAITING_CONNECTIONS = 1000
#: Seconds for one piece of an answer, and bytes for which it gets one second more.
SEND_SECONDS, LEAST_RATE = 30.0, 16 * 1024
#: Bytes that are sent at a time, each with a deadline of its own.
PIECE = 256 * 1024
#: Seconds in which what a peer still sends after its answer is read and dropped.
LINGER_SECONDS = 1.0


class _Closed(BaseException):
    """This connection has waited longest, and its place is needed."""


class WaitingPeers:
    """The connections of a process that wait for their peers, in the order in which they began."""

    def __init__(self, most: int) -> None:
        self._most = most
        #: A dictionary keeps its order; the greenlets are its keys.
        self._waiting: dict[Any, None] = {}
        self._closing: set[Any] = set()

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Wait for a peer in the block.

        Raises:
            TimeoutError: it took longer than ``seconds``, or the place is needed for others.
        """
        greenlet = gevent.getcurrent()
        timeout = gevent.Timeout.start_new(max(seconds, 0.001))
        self._waiting[greenlet] = None
        try:
            if len(self._waiting) > self._most:
                self._close_first()
            yield
        except gevent.Timeout as expired:
            if expired is not timeout:
                raise
            raise TimeoutError("the peer is too slow") from None
        except _Closed:
            raise TimeoutError("too many peers are slow") from None
        finally:
            self._waiting.pop(greenlet, None)
            self._closing.discard(greenlet)
            timeout.close()

    def _close_first(self) -> None:
        greenlet = next(iter(self._waiting))
        del self._waiting[greenlet]
        self._closing.add(greenlet)

        def close() -> None:
            # By now the peer may have sent what was missing.
            if greenlet in self._closing:
                greenlet.throw(_Closed)

        gevent.get_hub().loop.run_callback(close)


class Peer:
    """A client's socket whose writes have a deadline; the peer can read the last answer before the end."""

    def __init__(self, client: Any, waiting: WaitingPeers) -> None:
        self._client = client
        self._waiting = waiting
        self._has_answer = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, data: Any, *flags: int) -> None:
        view = memoryview(data)
        for start in range(0, len(view), PIECE):
            piece = view[start : start + PIECE]
            with self._sent_in_time(len(piece)):
                self._client.sendall(piece, *flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> Any:
        with self._sent_in_time(count or 0):
            return self._client.sendfile(file, offset=offset, count=count)

    def close(self) -> None:
        """Close the connection; if bytes of the peer were unread then, its system would drop the answer (RFC 9112)."""
        if self._has_answer:
            with suppress(OSError), gevent.Timeout(LINGER_SECONDS, exception=False):
                self._client.shutdown(socket.SHUT_WR)
                while self._client.recv(PIECE):
                    pass
        self._client.close()

    @contextmanager
    def _sent_in_time(self, size: int) -> Iterator[None]:
        self._has_answer = True
        try:
            with self._waiting.time_limit(SEND_SECONDS + size / LEAST_RATE):
                yield
        except TimeoutError as error:
            self._has_answer = False
            raise ConnectionResetError(errno.ECONNRESET, str(error)) from error


class _Body:
    """The body of a request; errors of its chunks are errors of the connection, as for every other WSGI server."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def read(self, size: int | None = None) -> bytes:
        try:
            data: bytes = self._body.read(size)
        except ParseException as error:
            raise OSError(errno.EBADMSG, str(error)) from error
        except BaseException:
            self._body.failed = True  # where the next request begins is unknown: the connection is closed
            raise
        return data


class HubWorker(GeventWorker):
    """A gevent worker that closes connections of slow peers."""

    sockets: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.peers = WaitingPeers(WAITING_CONNECTIONS)

    def patch(self) -> None:
        """Use gevent's sockets to listen; ``gunicorn.py`` has patched the standard library already."""
        self.sockets = [
            gevent.socket.socket(each.FAMILY, socket.SOCK_STREAM, fileno=each.sock.detach()) for each in self.sockets
        ]

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Wait for the head of a request, at most ``keepalive`` seconds from the end of the previous one."""
        try:
            with self.peers.time_limit(self.cfg.keepalive):
                yield
        except TimeoutError:
            pass  # without a request gunicorn closes the connection

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        super().handle(listener, Peer(client, self.peers), addr)

    def load_wsgi(self) -> None:
        super().load_wsgi()
        answer: Any = vars(self)["wsgi"]
        self.wsgi_application = answer

        def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            environ["wsgi.input"] = _Body(environ["wsgi.input"])
            environ["hub.time_limit"] = self.peers.time_limit
            answered: Iterable[bytes] = answer(environ, start_response)
            return answered

        self.wsgi = wsgi
