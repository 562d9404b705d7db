"""``rediss://``: Celery verifies certificates as the hub's client (``redis-tls-not-verified-by-celery.sh``)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kombu.exceptions import OperationalError
from redis import SSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from app.extensions import bus, celery
from app.kernel.http.app import Hub


class TlsRedis:
    """A TLS server with a self-made certificate that answers each command with ``+OK``, and keeps what it received."""

    def __init__(self, folder: Path) -> None:
        self.received: list[bytes] = []
        self.certificate = folder / "server.pem"
        self._write_certificate()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"rediss://:a-password@127.0.0.1:{self._socket.getsockname()[1]}/0"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with connection:
            try:
                with self._context.wrap_socket(connection, server_side=True) as tls:
                    while data := tls.recv(65536):
                        self.received.append(data)
                        tls.sendall(b"+OK\r\n" * data.count(b"*"))
            except OSError:
                return

    def _write_certificate(self) -> None:
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        serial = x509.random_serial_number()
        builder = x509.CertificateBuilder(name, name, key.public_key(), serial, now, now + timedelta(1))
        certificate = builder.add_extension(names, critical=True).sign(key, hashes.SHA256())
        self.certificate.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


@pytest.fixture
def tls_redis(tmp_path: Path) -> Iterator[TlsRedis]:
    server = TlsRedis(tmp_path)
    yield server
    server.close()


@pytest.fixture
def _restored_broker(app: Hub) -> Iterator[None]:
    """Give Celery its broker back."""
    before = {name: celery.conf[name] for name in bus.servers.broker_settings(0)}
    yield
    celery.conf.update(before)


def connect() -> None:
    with celery.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=3)


@pytest.mark.usefixtures("_restored_broker")
def test_an_untrusted_certificate_is_refused_before_the_password_is_sent(
    app_with: Callable[..., Hub], tls_redis: TlsRedis
) -> None:
    app_with(redis_url=tls_redis.url)
    with pytest.raises(RedisConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        bus.client.ping()
    with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        connect()
    assert tls_redis.received == []


@pytest.mark.usefixtures("_restored_broker")
@pytest.mark.parametrize("options", ["ssl_ca_certs={file}", "ssl_cert_reqs=required&ssl_ca_certs={file}"])
def test_an_authority_of_the_url_is_trusted(app_with: Callable[..., Hub], tls_redis: TlsRedis, options: str) -> None:
    app_with(redis_url=f"{tls_redis.url}?{options.format(file=tls_redis.certificate)}")
    with celery.connection_for_write() as connection:
        options = dict(connection.ssl)
    made = SSLConnection(host="127.0.0.1", port=1, **options)
    assert made.ca_certs == str(tls_redis.certificate)
    assert made.cert_reqs == ssl.CERT_REQUIRED
    assert made.check_hostname
