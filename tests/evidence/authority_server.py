"""A small authority of time stamps on loopback: ``openssl ts`` makes its answers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import libfaketime
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.kernel import clock
from app.kernel.http.app import Hub
from tests.serving import serving

_CONFIG = """
[tsa]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""
_PEM = serialization.Encoding.PEM


class StampAuthority:
    """An authority with a root certificate of its own and a certificate for time stamps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _certificate(
            "Stamp root", "Stamp root", root_key.public_key(), root_key, x509.BasicConstraints(True, None)
        )
        usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.TIME_STAMPING])
        signer = _certificate("Stamp signer", "Stamp root", key.public_key(), root_key, usage)
        self.roots_file = folder / "roots.pem"
        self.roots_file.write_bytes(root.public_bytes(_PEM))
        (folder / "signer.pem").write_bytes(signer.public_bytes(_PEM))
        plain = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "key.pem").write_bytes(plain)
        (folder / "serial").write_text("01\n")
        (folder / "config").write_text(_CONFIG.format(folder=folder))
        self.requests: list[dict[str, str]] = []
        #: Tests replace it to get another status or answer.
        self.answer: Callable[[bytes], tuple[int, bytes]] = lambda query: (200, self.reply_to(query))

    def reply_to(self, query: bytes) -> bytes:
        """The answer of ``openssl ts`` to a query."""
        (self.folder / "query").write_bytes(query)
        command = ["openssl", "ts", "-reply", "-section", "tsa", "-queryfile", "query", "-config", "config"]
        options = ["-signer", "signer.pem", "-inkey", "key.pem", "-out", "reply"]
        [library] = Path(libfaketime.__file__).parent.rglob("libfaketime.so.1")
        moment = f"{clock.now().astimezone(UTC):%Y-%m-%d %H:%M:%S}"  # of the hub, which a test may have set
        environment = {**os.environ, "LD_PRELOAD": str(library), "FAKETIME": moment, "TZ": "UTC"}
        subprocess.run([*command, *options], cwd=self.folder, check=True, capture_output=True, env=environment)
        return (self.folder / "reply").read_bytes()

    @contextmanager
    def configured(self, app: Hub) -> Iterator[None]:
        """Serve, and let the settings of ``app`` name this authority."""
        with self.running() as url, pytest.MonkeyPatch.context() as patch:
            patch.setitem(app.config, "TIMESTAMP_URL", url)
            patch.setitem(app.config, "TIMESTAMP_CA_FILE", self.roots_file)
            yield

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve; the address."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                authority.requests.append(dict(self.headers))
                status, body = authority.answer(query)
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                """Write no log lines into the output of the tests."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        with serving(server):
            yield f"http://127.0.0.1:{server.server_port}/tsa"


def _certificate(name: str, issuer: str, public_key: Any, key: Any, extension: Any) -> x509.Certificate:
    subject, signer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, issuer))
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(signer, subject, public_key, x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=400))
    return builder.add_extension(extension, critical=True).sign(key, hashes.SHA256())
