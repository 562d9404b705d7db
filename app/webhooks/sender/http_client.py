"""One HTTP request with an end: pinned to a judged address, 15 seconds in all, and only so much of the answer."""

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

#: Seconds to be connected, and again for the TLS handshake; with the name's resolution well within the deadline.
CONNECT_SECONDS = 4.0
MAX_READ_BYTES, MAX_STORED_BYTES = 64 * KIB, 2 * KIB
_MAX_HEADERS = 40
#: A connection that rested longer than this may have been given up at the other end.
_MAX_IDLE_SECONDS = 1.0
_CONFIG = Config(
    ip_filter_enable=False,  # ``addresses`` knows more networks, what an admin allowed, and why
    ip_filter_allow_loopback_ips=False,
    never_redirect=True,
    default_timeout=(CONNECT_SECONDS, HTTP_DEADLINE),
)


@dataclass(frozen=True, slots=True)
class ReceiverResponse:
    """What came back: a status, or an error that says why there is none; ``address`` is where it went."""

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
        """What a header says, however the receiver spells its name."""
        return CaseInsensitiveDict(self.headers or {}).get(name)


def post(
    url: str,
    body: Any,
    headers: Mapping[str, str],
    allowances: ssrf.Allowances,
    *,
    deadline: float = HTTP_DEADLINE,
) -> ReceiverResponse:
    """POST ``body``, bytes or an iterator of bytes; never raises for what a receiver or its address does."""
    started = time.monotonic()
    address: str | None = None

    def told(**facts: Any) -> ReceiverResponse:
        return ReceiverResponse(round((time.monotonic() - started) * 1000), address=address, **facts)

    try:
        target = ssrf.parse_target(url)
        address = ssrf.resolve_target(target, allowances)
        with _deadline(started + deadline) as attempt:
            facts = _exchange(url, body, headers, address, attempt)
        return told(**facts)
    except ssrf.AddressError as refused:
        return told(error=str(refused))
    except _DeadlineExceeded:
        return told(error=f"No complete answer within {deadline:g} seconds.")
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        return told(error=_error_message(error))


class _DeadlineExceeded(Exception):
    """The deadline cut the connection."""


class _ActiveRequest:
    """A request under way; at its deadline its connection is cut, wherever it hangs."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.is_over = False

    def cut(self) -> None:
        self.is_over = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with suppress(OSError):  # it was closed in this very moment
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


@contextmanager
def _deadline(moment: float) -> Iterator[_ActiveRequest]:
    attempt = _ActiveRequest()
    timer = threading.Timer(max(0.0, moment - time.monotonic()), attempt.cut)
    timer.daemon = True
    timer.start()
    try:
        yield attempt
    except (requests.RequestException, HTTPError, OSError) as error:
        if attempt.is_over:
            raise _DeadlineExceeded from error
        raise
    finally:
        timer.cancel()
    if attempt.is_over:
        raise _DeadlineExceeded


def _exchange(url: str, body: Any, headers: Mapping[str, str], address: str, attempt: _ActiveRequest) -> dict[str, Any]:
    session = _session()
    for scheme in ("https://", "http://"):
        session.get_adapter(scheme).pin(address, attempt)
    with session.post(url, data=body, headers=dict(headers), stream=True) as answer:
        content = _read_body(answer, attempt)
        return {
            "status": answer.status_code,
            "headers": _stored_headers(answer.headers),
            "body": content[:MAX_STORED_BYTES].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"),
        }


def _read_body(answer: requests.Response, attempt: _ActiveRequest) -> bytes:
    content = b""
    while len(content) < MAX_READ_BYTES and not attempt.is_over:
        chunk = answer.raw.read1(MAX_READ_BYTES - len(content), decode_content=False)
        if not chunk:
            return content
        content += chunk
    attempt.connection.close()  # what is left of the answer is not for the next request
    return content


def _stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    size = 0
    for name, value in list(headers.items())[:_MAX_HEADERS]:
        size += len(name) + len(value)
        if size > MAX_STORED_BYTES:
            size -= len(name) + len(value)  # a smaller one behind it may still matter
            continue
        kept[name] = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return kept


class _PinnedAdapter(HTTPAdapter):
    """Connects to the address that was judged, in the name that the URL says (``Host``, SNI, certificate)."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
        self._address = ""
        self.attempt = _ActiveRequest()

    def pin(self, address: str, attempt: _ActiveRequest) -> None:
        self._address, self.attempt = address, attempt

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host: Any
        tls: Any
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        name = str(host["host"]).strip("[]")
        shown = f"[{name}]" if ":" in name else name
        request.headers["Host"] = shown if host["port"] is None else f"{shown}:{host['port']}"
        if host["scheme"] == "https":
            tls |= {"server_hostname": name, "assert_hostname": name}
        host["host"] = f"[{self._address}]" if ":" in self._address else self._address
        return host, tls

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.adapter = self
        return pool


class _TracksConnection:
    """A pool that tells which connection an attempt goes over."""

    adapter: _PinnedAdapter

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        self.adapter.attempt.connection = connection
        return connection


class _PlainPool(_TracksConnection, HTTPConnectionPool):
    """Plain HTTP."""


class _TlsPool(_TracksConnection, HTTPSConnectionPool):
    """HTTPS."""


class _ThreadState(threading.local):
    session: Any = None
    used_at: float = 0.0


_thread_state = _ThreadState()


def _session() -> Any:
    """This thread's session: connections are kept while requests follow each other closely."""
    moment = time.monotonic()
    if _thread_state.session is None:
        _thread_state.session = _new_session()
    elif moment - _thread_state.used_at > _MAX_IDLE_SECONDS:
        _thread_state.session.close()
    _thread_state.used_at = moment
    return _thread_state.session


class _Session(HTTPSession):
    """Answers with one request's answer, whatever that says."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: asked for the next request alone, the library reads and unpacks the whole body of a redirect."""


def _new_session() -> Any:
    session = _Session(_CONFIG)
    session.trust_env = False  # no proxy, no .netrc: the environment is not the receiver's business
    session.headers = CaseInsensitiveDict({"Accept-Encoding": "identity", "Accept": "*/*"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", _PinnedAdapter())
    session.mount("http://", _PinnedAdapter())
    return session


def _error_message(error: Exception) -> str:
    """What went wrong, without the innards of the libraries."""
    root = _root_cause(error)
    text = f"{type(root).__name__}: {root}"
    for sign, words in (
        ("timed out", f"Could not connect within {CONNECT_SECONDS:g} seconds."),
        ("refused", N_("The connection was refused.")),
        ("unreachable", N_("The receiver's network cannot be reached.")),
        ("CERTIFICATE_VERIFY_FAILED", f"The certificate is not valid: {text.rpartition('failed: ')[2][:200]}"),
        ("certificate", f"The certificate is not valid: {text[-200:]}"),
        ("SSL", f"TLS failed: {text[-200:]}"),
        ("reset by peer", N_("The receiver cut the connection.")),
        ("closed connection", N_("The receiver closed the connection without an answer.")),
    ):
        if sign.lower() in text.lower():
            return words
    return text[:500]


def _root_cause(error: BaseException) -> BaseException:
    """What happened, without what is wrapped around it: that names the whole address, secrets in it and all."""
    inner = getattr(error, "reason", None) or next(iter(error.args), None)
    return _root_cause(inner) if isinstance(inner, BaseException) else error
