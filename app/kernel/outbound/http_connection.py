"""Connections of outgoing requests: pinned to checked addresses, observed while they run, and ended at a deadline."""

from __future__ import annotations

import functools
import os
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from http.client import HTTPException, HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests_hardened import Config, HTTPSession
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from app.kernel.http.tls_trust import client_context
from app.kernel.outbound.deadline_watch import watch_of
from app.kernel.worker.celery_app import HTTP_DEADLINE

#: Timeout in seconds of the connection, and again of the TLS handshake; both are shorter near the deadline.
CONNECT_SECONDS = 4.0
#: A connection that was idle for longer may have been closed by the receiver, and is not used again.
_MAX_IDLE_SECONDS = 1.0
#: Interim answers (1xx) before the real one.
_MAX_INTERIM_ANSWERS, _MAX_INTERIM_LINES = 100, 1000
_MAX_LINE_BYTES = 65_536
_CONFIG = Config(
    ip_filter_enable=False,  # ``ssrf`` blocks more networks, knows the allowances, and explains a refusal
    ip_filter_allow_loopback_ips=False,
    never_redirect=True,
    default_timeout=(CONNECT_SECONDS, HTTP_DEADLINE),
)


class ActiveRequest:
    """A running request and what is known about it; its connection is closed at ``end``, on the monotonic clock."""

    def __init__(self, end: float) -> None:
        self.end = end
        self.connection: Any = None
        #: Whether a connection was made, with its TLS handshake: before that, nothing of the request was sent.
        self.is_connected = False
        #: The header lines that were written to the connection.
        self.sent_headers: dict[str, str] = {}
        #: The status line's code, known before the headers and the body of the answer.
        self.status: int | None = None
        self._answer_socket: Any = None

    def observe(self, connection: Any) -> None:
        """Follow the request on ``connection``."""
        self.connection, self.sent_headers = connection, {}
        self.is_connected = connection.sock is not None
        connection.active_request = self
        connection.response_class = functools.partial(_Answer, active_request=self)

    def start_answer(self, sock: Any) -> None:
        """Keep the socket: with ``Connection: close`` the connection gives it away before the body is read."""
        self._answer_socket = sock

    @property
    def socket(self) -> Any:
        return self._answer_socket or getattr(self.connection, "sock", None)

    @property
    def is_expired(self) -> bool:
        return time.monotonic() >= self.end

    def seconds_left(self, longest: float = HTTP_DEADLINE) -> float:
        """Seconds until the end, at most ``longest``.

        Raises:
            TimeoutError: the end has come.
        """
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the request has passed")
        return min(left, longest)

    def closing_at_end(self) -> AbstractContextManager[None]:
        """Close the connection at the end, whatever the request waits for then."""
        return watch_of(os.getpid()).watching(self)

    def close_connection(self) -> None:
        if self.socket is not None:
            with suppress(OSError):  # the socket was closed at the same moment
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


class _Answer(HTTPResponse):
    """An answer that skips every interim answer (1xx) and reports its status as soon as the status line is read."""

    def __init__(self, sock: Any, *args: Any, active_request: ActiveRequest, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._active_request = active_request
        active_request.start_answer(sock)

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MAX_INTERIM_ANSWERS):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200:  # noqa: PLR2004
                self._active_request.status = status
                return version, status, reason
            self._skip_header()
        raise HTTPException("too many interim answers")

    def _skip_header(self) -> None:
        for _ in range(_MAX_INTERIM_LINES):
            if self.fp.readline(_MAX_LINE_BYTES) in {b"\r\n", b"\n", b""}:
                return
        raise HTTPException("too many lines in an interim answer")


class _Observed:
    """A connection that keeps the deadline of its request while it connects, and records what was written."""

    active_request: ActiveRequest
    #: Checked addresses, of which the first that takes the connection is used.
    addresses: Sequence[str]
    host: Any
    timeout: Any

    def _new_conn(self) -> Any:
        longest = self.timeout
        for position, address in enumerate(self.addresses, start=1):
            self.host, self.timeout = address, self.active_request.seconds_left(longest)
            try:
                made = super()._new_conn()  # type: ignore[misc]
            except HTTPError:
                if position == len(self.addresses):
                    raise
            else:
                made.settimeout(self.active_request.seconds_left(longest))  # of the handshake as a whole
                return made
        raise OSError("there is no address to connect to")

    def connect(self) -> None:
        """Connect; the deadline may have passed during the handshake, in which the connection cannot be closed."""
        super().connect()  # type: ignore[misc]
        self.active_request.seconds_left()
        self.active_request.is_connected = True

    def putheader(self, header: Any, *values: Any) -> None:
        super().putheader(header, *values)  # type: ignore[misc]
        self.active_request.sent_headers[_text(header)] = ", ".join(map(_text, values))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


class _PlainConnection(_Observed, HTTPConnection):
    """Connection of plain HTTP."""


class _TlsConnection(_Observed, HTTPSConnection):
    """Connection of HTTPS."""


class _TracksConnection:
    """A pool that reports the connection of a request."""

    adapter: _PinnedAdapter

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        connection.addresses = self.adapter.addresses
        self.adapter.active_request.observe(connection)
        return connection


class _PlainPool(_TracksConnection, HTTPConnectionPool):
    """Pool of plain HTTP connections."""

    ConnectionCls = _PlainConnection


class _TlsPool(_TracksConnection, HTTPSConnectionPool):
    """Pool of HTTPS connections."""

    ConnectionCls = _TlsConnection


class _PinnedAdapter(HTTPAdapter):
    """Connects to a checked address, with the host name of the URL in ``Host``, SNI and certificate check."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self.addresses: Sequence[str] = ()
        self._ca_file: Path | None = None
        self.active_request = ActiveRequest(0.0)

    def pin(self, addresses: Sequence[str], ca_file: Path | None, active_request: ActiveRequest) -> None:
        self.addresses, self._ca_file, self.active_request = addresses, ca_file, active_request

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host: Any
        tls: Any
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        name = str(host["host"]).strip("[]")
        host_name = f"[{name}]" if ":" in name else name
        request.headers["Host"] = host_name if host["port"] is None else f"{host_name}:{host['port']}"
        if host["scheme"] == "https":
            tls |= {"server_hostname": name, "assert_hostname": name, "ssl_context": _tls_context(self._ca_file)}
        address = self.addresses[0]
        host["host"] = f"[{address}]" if ":" in address else address
        return host, tls

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.adapter = self
        return pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Demand a valid certificate; the context has the trusted ones, and the library adds none."""
        conn.cert_reqs = "CERT_REQUIRED"


@functools.cache
def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = client_context(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


class _ThreadState(threading.local):
    session: Any = None
    used_at: float = 0.0


_thread_state = _ThreadState()


def pinned_session(addresses: Sequence[str], ca_file: Path | None, active_request: ActiveRequest) -> Any:
    """Return the session of this thread, pinned; its connections are kept while requests follow closely.

    The first of ``addresses`` that takes the connection is used.
    """
    moment = time.monotonic()
    if _thread_state.session is None:
        _thread_state.session = _new_session()
    elif moment - _thread_state.used_at > _MAX_IDLE_SECONDS:
        _thread_state.session.close()
    _thread_state.used_at = moment
    for scheme in ("https://", "http://"):
        _thread_state.session.get_adapter(scheme).pin(addresses, ca_file, active_request)
    return _thread_state.session


class _Session(HTTPSession):
    """A session that returns redirects and does not prepare the next request."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target: to prepare the next request, the library would read and unpack the whole body."""


def _new_session() -> Any:
    session = _Session(_CONFIG)
    session.trust_env = False  # no proxy or .netrc from the environment
    session.headers = CaseInsensitiveDict({"Accept-Encoding": "identity", "Accept": "*/*"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", _PinnedAdapter())
    session.mount("http://", _PinnedAdapter())
    return session
