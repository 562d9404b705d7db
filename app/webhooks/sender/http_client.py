"""HTTP client: POST to a validated, pinned address; total timeout 15 s, at most 64 KiB of the response are read."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests_hardened import Config, HTTPSession
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from app.config import KIB
from app.kernel.messages import N_
from app.kernel.worker.celery_app import HTTP_DEADLINE
from app.webhooks.sender import ssrf

#: Timeout in seconds of the connection, and again of the TLS handshake; with name resolution less than the deadline.
CONNECT_SECONDS = 4.0
MAX_READ_BYTES, MAX_STORED_BYTES = 64 * KIB, 2 * KIB
_MAX_HEADERS = 40
#: A connection that was idle for longer may have been closed by the receiver, and is not used again.
_MAX_IDLE_SECONDS = 1.0
_CONFIG = Config(
    ip_filter_enable=False,  # ``ssrf`` blocks more networks, knows the allowances, and explains a refusal
    ip_filter_allow_loopback_ips=False,
    never_redirect=True,
    default_timeout=(CONNECT_SECONDS, HTTP_DEADLINE),
)


@dataclass(frozen=True, slots=True)
class ReceiverResponse:
    """Response of a receiver, or the error if there is none; ``address`` is the IP address of the connection."""

    milliseconds: int
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: str | None = None
    error: str | None = None
    address: str | None = None

    @property
    def is_success(self) -> bool:
        return self.error is None and self.status is not None and 200 <= self.status < 300  # noqa: PLR2004

    def header(self, name: str) -> str | None:
        """Return the value of a header; upper and lower case make no difference."""
        return CaseInsensitiveDict(self.headers or {}).get(name)


def post(
    url: str,
    body: Any,
    headers: Mapping[str, str],
    allowances: ssrf.Allowances,
    *,
    deadline: float = HTTP_DEADLINE,
) -> ReceiverResponse:
    """POST ``body`` (bytes or an iterator of bytes); errors of the receiver or its address are in the result."""
    started = time.monotonic()
    address: str | None = None

    def result(**values: Any) -> ReceiverResponse:
        return ReceiverResponse(round((time.monotonic() - started) * 1000), address=address, **values)

    try:
        target = ssrf.parse_target(url)
        address = ssrf.resolve_target(target, allowances)
        with _deadline(started + deadline) as request:
            values = _exchange(url, body, headers, address, request)
        return result(**values)
    except ssrf.AddressError as refused:
        return result(error=str(refused))
    except _DeadlineExceeded:
        return result(error=f"No complete answer within {deadline:g} seconds.")
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        return result(error=_error_message(error))


class _DeadlineExceeded(Exception):
    """The connection was closed at the deadline."""


class _ActiveRequest:
    """A running request; its connection is closed at the deadline, whatever it waits for."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.is_expired = False

    def close_connection(self) -> None:
        self.is_expired = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with suppress(OSError):  # the socket was closed at the same moment
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


@contextmanager
def _deadline(moment: float) -> Iterator[_ActiveRequest]:
    request = _ActiveRequest()
    timer = threading.Timer(max(0.0, moment - time.monotonic()), request.close_connection)
    timer.daemon = True
    timer.start()
    try:
        yield request
    except (requests.RequestException, HTTPError, OSError) as error:
        if request.is_expired:
            raise _DeadlineExceeded from error
        raise
    finally:
        timer.cancel()
    if request.is_expired:
        raise _DeadlineExceeded


def _exchange(url: str, body: Any, headers: Mapping[str, str], address: str, request: _ActiveRequest) -> dict[str, Any]:
    session = _session()
    for scheme in ("https://", "http://"):
        session.get_adapter(scheme).pin(address, request)
    with session.post(url, data=body, headers=dict(headers), stream=True) as response:
        content = _read_body(response, request)
        return {
            "status": response.status_code,
            "headers": _stored_headers(response.headers),
            "body": content[:MAX_STORED_BYTES].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"),
        }


def _read_body(response: requests.Response, request: _ActiveRequest) -> bytes:
    content = b""
    while len(content) < MAX_READ_BYTES and not request.is_expired:
        chunk = response.raw.read1(MAX_READ_BYTES - len(content), decode_content=False)
        if not chunk:
            return content
        content += chunk
    request.connection.close()  # the rest of the body must not reach the next request
    return content


def _stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    stored: dict[str, str] = {}
    size = 0
    for name, value in list(headers.items())[:_MAX_HEADERS]:
        size += len(name) + len(value)
        if size > MAX_STORED_BYTES:
            size -= len(name) + len(value)  # a smaller header after it may still fit
            continue
        stored[name] = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return stored


class _PinnedAdapter(HTTPAdapter):
    """Connects to the validated address, with the host name of the URL in ``Host``, SNI and certificate check."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self._address = ""
        self.active_request = _ActiveRequest()

    def pin(self, address: str, active_request: _ActiveRequest) -> None:
        self._address, self.active_request = address, active_request

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host: Any
        tls: Any
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        name = str(host["host"]).strip("[]")
        host_name = f"[{name}]" if ":" in name else name
        request.headers["Host"] = host_name if host["port"] is None else f"{host_name}:{host['port']}"
        if host["scheme"] == "https":
            tls |= {"server_hostname": name, "assert_hostname": name}
        host["host"] = f"[{self._address}]" if ":" in self._address else self._address
        return host, tls

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.adapter = self
        return pool


class _TracksConnection:
    """A pool that stores the connection of a request, so that the deadline can close it."""

    adapter: _PinnedAdapter

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        self.adapter.active_request.connection = connection
        return connection


class _PlainPool(_TracksConnection, HTTPConnectionPool):
    """Pool of plain HTTP connections."""


class _TlsPool(_TracksConnection, HTTPSConnectionPool):
    """Pool of HTTPS connections."""


class _ThreadState(threading.local):
    session: Any = None
    used_at: float = 0.0


_thread_state = _ThreadState()


def _session() -> Any:
    """Return the session of this thread; its connections are kept while requests follow closely."""
    moment = time.monotonic()
    if _thread_state.session is None:
        _thread_state.session = _new_session()
    elif moment - _thread_state.used_at > _MAX_IDLE_SECONDS:
        _thread_state.session.close()
    _thread_state.used_at = moment
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


def _error_message(error: Exception) -> str:
    """Return an error message for people, without details of the libraries."""
    root = _root_cause(error)
    text = f"{type(root).__name__}: {root}"
    for pattern, message in (
        ("timed out", f"Could not connect within {CONNECT_SECONDS:g} seconds."),
        ("refused", N_("The connection was refused.")),
        ("unreachable", N_("The receiver's network cannot be reached.")),
        ("CERTIFICATE_VERIFY_FAILED", f"The certificate is not valid: {text.rpartition('failed: ')[2][:200]}"),
        ("certificate", f"The certificate is not valid: {text[-200:]}"),
        ("SSL", f"TLS failed: {text[-200:]}"),
        ("reset by peer", N_("The receiver cut the connection.")),
        ("closed connection", N_("The receiver closed the connection without an answer.")),
    ):
        if pattern.lower() in text.lower():
            return message
    return text[:500]


def _root_cause(error: BaseException) -> BaseException:
    """Return the innermost exception; the outer ones show the whole URL, which may hold secrets."""
    inner = getattr(error, "reason", None) or next(iter(error.args), None)
    return _root_cause(inner) if isinstance(inner, BaseException) else error
