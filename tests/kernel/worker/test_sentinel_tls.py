"""``rediss+sentinel://``: servers and sentinels are reached over TLS, and an unknown certificate is refused."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.sentinel import MasterNotFoundError

from app.extensions import bus, celery
from app.kernel.http.app import Hub
from app.redis_servers import RedisServers
from tests.certificates import Authority
from tests.sentinels import MASTER_NAME, PASSWORD, SENTINEL_PASSWORD, Program, wait_for

_HANDSHAKE = b"\x16"


class TlsPort:
    """A port in front of a server that has no TLS, for connections with it and without it: those of sentinels."""

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        self._target, self._context = target, context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self.encrypted = 0
        self.refused: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, socket.create_connection(("127.0.0.1", self._target)) as server:
            try:
                if connection.recv(1, socket.MSG_PEEK) == _HANDSHAKE:
                    connection = self._context.wrap_socket(connection, server_side=True)
                    self.encrypted += 1
                _copy(connection, server)
            except OSError as error:  # the client refuses the certificate, or one end is closed
                self.refused.append(str(error))
            finally:
                connection.close()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                source: socket.socket = key.fileobj  # type: ignore[assignment]
                if not (data := source.recv(65536)):
                    return
                while isinstance(source, ssl.SSLSocket) and source.pending():
                    data += source.recv(65536)
                key.data.sendall(data)


class Secured:
    """A server and one sentinel, each with a port that speaks TLS; the sentinel names that port of the server."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.authority = Authority(folder)
        context = self.authority.server_context()
        server = Program(folder / "server", [f'requirepass "{PASSWORD}"'])
        stack.callback(server.kill)
        self.server = TlsPort(server.port, context)
        stack.callback(self.server.close)
        watching = [
            f'requirepass "{SENTINEL_PASSWORD}"',
            f"sentinel monitor {MASTER_NAME} 127.0.0.1 {self.server.port} 1",
            f'sentinel auth-pass {MASTER_NAME} "{PASSWORD}"',
        ]
        wait_for(lambda: _listens(server.port))
        sentinel = Program(folder / "sentinel", watching, "--sentinel")
        stack.callback(sentinel.kill)
        wait_for(lambda: _listens(sentinel.port))
        self.sentinel = TlsPort(sentinel.port, context)
        stack.callback(self.sentinel.close)

    def url(self, options: str) -> str:
        password, other = PASSWORD.replace("@", "%40").replace("/", "%2F"), SENTINEL_PASSWORD.replace(":", "%3A")
        place = f"127.0.0.1:{self.sentinel.port}/{MASTER_NAME}/1"
        return f"rediss+sentinel://:{password}@{place}?sentinel_password={other}{options}"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    with ExitStack() as stack:
        yield Secured(tmp_path, stack)


def test_client_and_broker_speak_tls_to_sentinels_and_servers(app_with: Callable[..., Hub], secured: Secured) -> None:
    app_with(redis_url=secured.url(f"&ssl_ca_certs={secured.authority.file}"))
    bus.client.set("greeting", "hello")
    assert bus.client.get("greeting") == "hello"
    assert min(secured.sentinel.encrypted, secured.server.encrypted) >= 1
    before = secured.sentinel.encrypted, secured.server.encrypted
    with celery.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=3)
        connection.default_channel.client.set("broker", "hello")
    assert bus.client.get("broker") == "hello", "the broker uses another database"
    assert secured.sentinel.encrypted > before[0]
    assert secured.server.encrypted > before[1]
    bus.client.close()


def test_an_unknown_certificate_is_refused(secured: Secured) -> None:
    servers = RedisServers.parse(secured.url(""))
    with servers.client(2.0) as client, pytest.raises(MasterNotFoundError):
        client.ping()
    [sentinel] = servers.sentinel_client(2.0).sentinels
    with sentinel, pytest.raises(RedisConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        sentinel.ping()
    assert (secured.sentinel.encrypted, secured.server.encrypted) == (0, 0)
