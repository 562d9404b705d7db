"""One HTTP request to a provider: pinned to a validated address, without redirects, ended at its deadline."""

from __future__ import annotations

import functools
import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from app.kernel.http.tls_trust import client_context


class NotConnected(OSError):
    """No connection was made, so nothing of the request was sent."""

    @classmethod
    def of(cls, error: Exception) -> NotConnected:
        return cls(*error.args) if isinstance(error, OSError) else cls(str(error))


class PinnedLine:
    """The connection of one request; ``address`` replaces the address that the name of the host has at that moment."""

    def __init__(self, address: str | None, ca_file: Path | None) -> None:
        self._address, self._ca_file = address, ca_file
        self._socket: Any = None

    def open(self, request: urllib.request.Request, seconds: float) -> Any:
        """Send a request; proxies of the environment are not used, and redirects are not followed."""
        handlers = (_HttpHandler(self), _HttpsHandler(self, self._ca_file))
        opener = urllib.request.build_opener(*handlers, urllib.request.ProxyHandler({}), _NoRedirects())
        return opener.open(request, timeout=seconds)

    @contextmanager
    def deadline(self, moment: float) -> Iterator[None]:
        """Cut the connection at ``moment``, whatever the request waits for then."""
        timer = threading.Timer(max(0.0, moment - time.monotonic()), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def connect(self, connection: Any, super_connect: Any) -> None:
        """Connect and check the certificate; every failure says that nothing was sent."""
        if self._address is not None:
            address = self._address
            connection._create_connection = lambda target, *options: socket.create_connection(
                (address, target[1]), *options
            )
        try:
            super_connect()
        except (OSError, UnicodeError) as error:  # UnicodeError: the host is no valid name
            raise NotConnected.of(error) from error
        self._socket = connection.sock

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the socket was closed at the same moment
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _HttpConnection(http.client.HTTPConnection):
    def __init__(self, *args: Any, line: PinnedLine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line = line

    def connect(self) -> None:
        """Connect."""
        self._line.connect(self, super().connect)


class _HttpsConnection(http.client.HTTPSConnection):
    def __init__(self, *args: Any, line: PinnedLine, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line = line

    def connect(self) -> None:
        """Connect over TLS."""
        self._line.connect(self, super().connect)


class _HttpHandler(urllib.request.HTTPHandler):
    def __init__(self, line: PinnedLine) -> None:
        super().__init__()
        self._line = line

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request."""
        connection: Any = functools.partial(_HttpConnection, line=self._line)
        return self.do_open(connection, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def __init__(self, line: PinnedLine, ca_file: Path | None) -> None:
        self._line, self._tls = line, _tls_context(ca_file)
        super().__init__(context=self._tls)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request over TLS."""
        connection: Any = functools.partial(_HttpsConnection, line=self._line)
        return self.do_open(connection, req, context=self._tls)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Refuse every redirect: requests go to the configured address only."""


@functools.cache
def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    return client_context(ca_file)
