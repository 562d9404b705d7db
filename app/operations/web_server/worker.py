"""The gunicorn worker of the hub: gevent, with deadlines for slow peers, and streams that take their connections over.

An answer may take its connection over and go on without the greenlet of its request. So thousands of streams need
neither its memory nor a change of greenlets for each frame.
"""

from __future__ import annotations

import errno
import resource
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import gevent.socket
from gevent.pool import Group
from gunicorn.http.body import LengthReader
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.http.wsgi import Response
from gunicorn.workers.ggevent import GeventWorker

from app.operations.web_server.peers import WAITING_CONNECTIONS, Peer, TimeLimit, WaitingPeers

#: Bytes of a body that is copied behind its head.
_LARGEST_PIECE = 64 * 1024
#: Bytes of the heads of a request together. Their parsers take some microseconds for each byte, so a head of 800 KiB,
#: which the limits of gunicorn allow, would hold up a process for seconds.
_LARGEST_HEAD = 64 * 1024
#: Bytes of a body that nobody read, after which the connection still serves a request.
_LARGEST_REST = 64 * 1024


def allow_files(count: int) -> None:
    """Let this process and its children have so many files open, as far as the system lets them.

    Many systems begin a process with 1,024, and each connection is one.
    """
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:
        count = min(count, most)
    if now != resource.RLIM_INFINITY and now < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))


class HubResponse(Response):
    """An answer whose head and body are one write if its body is one piece; gunicorn writes one after the other."""

    headers_sent: bool

    def write(self, arg: bytes) -> None:
        is_whole = self.response_length == len(arg) and not (self.headers_sent or self._omits_body)
        if not is_whole or not arg or len(arg) > _LARGEST_PIECE:
            super().write(arg)
            return
        head = "".join([*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"])
        self.headers_sent, self.sent = True, len(arg)
        self._emit_body(head.encode("latin-1") + arg)


class HubRequest(Request):
    """A request whose head has a limit, and not only each of its lines."""

    @property
    def max_buffer_headers(self) -> int:
        """Bytes of the head, and of the trailers, that are read."""
        return _LARGEST_HEAD

    @max_buffer_headers.setter
    def max_buffer_headers(self, _calculated: int) -> None:
        """Ignore what gunicorn calculates from the limits of the lines."""


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
        #: The greenlets that write to connections which answers took over.
        self.writers = Group()
        #: Ends the answers that took their connections over; ``gunicorn.py`` sets it.
        self.end_streams: Callable[[], None] = lambda: None

    def patch(self) -> None:
        """Use gevent's sockets to listen; ``gunicorn.py`` has patched the standard library already."""
        self.sockets = [
            gevent.socket.socket(each.FAMILY, socket.SOCK_STREAM, fileno=each.sock.detach()) for each in self.sockets
        ]

    def timeout_ctx(self) -> TimeLimit:
        """Wait for the head of a request, at most ``keepalive`` seconds from the end of the previous one.

        Without a request gunicorn closes the connection.
        """
        return self.peers.time_limit(self.cfg.keepalive, is_silent=True)

    def run(self) -> None:
        """Serve until the worker shall end, for a signal or after ``max_requests``; then end the streams."""
        super().run()
        self.end_streams()
        self.writers.join(self.cfg.graceful_timeout)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        super().handle(listener, Peer(client, self.peers), addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        super().handle_request(listener_name, req, sock, addr)
        if sock.is_taken or _has_long_rest(req.body):
            raise StopIteration  # as gunicorn itself ends a connection

    def load_wsgi(self) -> None:
        super().load_wsgi()
        answer: Any = vars(self)["wsgi"]
        self.wsgi_application = answer

        def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            environ["wsgi.input"] = _Body(environ["wsgi.input"])
            environ["hub.time_limit"] = self.peers.time_limit
            if not self.cfg.is_ssl:
                is_chunked = environ["SERVER_PROTOCOL"] != "HTTP/1.0"
                peer: Peer = environ["gunicorn.socket"]
                environ["hub.take_over"] = partial(peer.take_over, self.writers, is_chunked=is_chunked)
            answered: Iterable[bytes] = answer(environ, start_response)
            return answered

        self.wsgi = wsgi


def _has_long_rest(body: Any) -> bool:
    """Whether much of a body is unread, or nobody knows how much.

    Before the next request gunicorn reads the rest in pieces of 1 KiB, and copies up to 1 MiB for each: a second for a
    MiB, in which the process serves nobody else.
    """
    reader = body.reader
    if isinstance(reader, LengthReader):
        return bool(reader.length > _LARGEST_REST)
    return reader.parser is not None
