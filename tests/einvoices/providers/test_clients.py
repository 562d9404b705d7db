"""The HTTP provider client against a real HTTP server."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.providers import outbox
from app.kernel.http.app import Hub
from tests.certificates import Authority
from tests.einvoices.helpers import create_issued, fetch_detail, perform, stored_sendings


@contextmanager
def running_provider(
    status: int, body: bytes, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            received.append({"headers": dict(self.headers), "body": json.loads(content)})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Write no log lines into the output of the tests."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_args: Any) -> None:
            """Print nothing when a client refuses the certificate."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "state", "expected"),
    [
        (200, b'{"provider_status": "accepted", "provider_invoice_id": "P-1"}', "done", ("accepted", "accepted")),
        (202, b'{"provider_status": "in queue"}', "done", ("sent", "in queue")),
        (200, b'{"provider_status": "rejected"}', "done", ("rejected", "rejected")),
        (200, b'\xef\xbb\xbf{"provider_status": "accepted"}', "done", ("accepted", "accepted")),
        (200, b'{"provider_status": "a\\u0000b", "x\\u0000": ["\\u0000"]}', "done", ("sent", "a\ufffdb")),
        (200, b'{"provider_status": "ok", "provider_invoice_id": "\\u0000"}', "done", ("sent", "ok")),
        (422, b"{}", "failed", ("issued", "failed")),
        (503, b"{}", "pending", ("issued", "queued")),
        (302, b"", "pending", ("issued", "queued")),
        (200, b"<html>", "pending", ("issued", "queued")),
        (200, b'{"provider_status": 5}', "pending", ("issued", "queued")),
        (200, b'{"provider_status": "accepted", "x": "' + b"x" * 70_000 + b'"}', "pending", ("issued", "queued")),
    ],
)
def test_responses_of_the_http_provider(  # noqa: PLR0917 - a case has four facts
    app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, state: str, expected: Any
) -> None:
    einvoice = create_issued(owner, provider="http")
    perform(owner, einvoice["id"], "send")
    with running_provider(status, body) as (url, received):
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", url)
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_TOKEN", "a token")
        outbox.send_due()
    [request] = received
    assert request["headers"]["Authorization"] == "Bearer a token"
    assert request["headers"]["Idempotency-Key"] == request["body"]["key"]
    assert request["body"]["einvoice"]["invoice_no"] == einvoice["invoice_no"]
    assert stored_sendings()[0].state == state
    detail = fetch_detail(owner, einvoice["id"])
    assert (detail["status"], detail["provider_status"]) == expected


def send_over_tls(app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext) -> Any:
    """The stored sending of an e-invoice to a provider with this certificate."""
    einvoice = create_issued(owner, provider="http")
    perform(owner, einvoice["id"], "send")
    with running_provider(200, b'{"provider_status": "accepted"}', tls) as (url, _):
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", url)
        outbox.send_due()
    return stored_sendings()[0]


def test_the_setting_adds_a_company_authority(
    app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setitem(app.config, "TRUSTED_CA_FILE", authority.file)
    assert send_over_tls(app, owner, monkeypatch, authority.server_context()).state == "done"


@pytest.mark.parametrize(
    ("host", "days", "is_trusted", "error"),
    [
        ("127.0.0.1", -1, True, "The certificate is not valid: it has expired."),
        ("10.0.0.9", 30, True, "The certificate is not valid: it is for another IP address."),
        ("127.0.0.1", 30, False, "The certificate is not valid: no trusted authority has signed it."),
    ],
)
def test_a_wrong_certificate_is_told_in_plain_words(
    *, app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    host: str, days: int, is_trusted: bool, error: str,
) -> None:  # fmt: skip
    authority = Authority(tmp_path)
    monkeypatch.setitem(app.config, "TRUSTED_CA_FILE", authority.file if is_trusted else None)
    sending = send_over_tls(app, owner, monkeypatch, authority.server_context(host, days))
    assert (sending.state, sending.error.startswith(error)) == ("pending", True), sending.error
