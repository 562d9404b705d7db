"""The HTTP provider client against a real HTTP server."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.providers import http_provider, outbox
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.kernel.http.app import Hub
from tests.certificates import Authority
from tests.einvoices.helpers import create_issued, fetch_detail, perform, set_adapter, stored_sendings
from tests.einvoices.providers.provider_server import CUT, HALF, StoringProvider
from tests.serving import serving


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
    with serving(server):
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/", received


@pytest.mark.parametrize(
    ("status", "body", "state", "in_doubt", "expected"),
    [
        (
            200,
            b'{"provider_status": "accepted", "provider_invoice_id": "P-1"}',
            "done",
            False,
            ("accepted", "accepted"),
        ),
        (202, b'{"provider_status": "in queue"}', "done", False, ("sent", "in queue")),
        (200, b'{"provider_status": "rejected"}', "done", False, ("rejected", "rejected")),
        (200, b'\xef\xbb\xbf{"provider_status": "accepted"}', "done", False, ("accepted", "accepted")),
        (200, b'{"provider_status": "a\\u0000b", "x\\u0000": ["\\u0000"]}', "done", False, ("sent", "a\ufffdb")),
        (200, b'{"provider_status": "ok", "provider_invoice_id": "\\u0000"}', "done", False, ("sent", "ok")),
        (422, b"{}", "failed", False, ("issued", "failed")),
        (409, b"{}", "failed", True, ("issued", "in_doubt")),
        (429, b"{}", "pending", False, ("issued", "queued")),
        (503, b"{}", "pending", True, ("issued", "queued")),
        (302, b"", "pending", True, ("issued", "queued")),
        (200, b"<html>", "pending", True, ("issued", "queued")),
        (200, b'{"provider_status": 5}', "pending", True, ("issued", "queued")),
        (200, b'{"provider_status": "accepted", "x": "' + b"x" * 70_000 + b'"}', "pending", True, ("issued", "queued")),
    ],
)
def test_responses_of_the_http_provider(
    *,
    app: Hub,
    owner: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: bytes,
    state: str,
    in_doubt: bool,
    expected: Any,
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
    assert (stored_sendings()[0].state, stored_sendings()[0].in_doubt) == (state, in_doubt)
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
        ("10.0.0.9", 30, True, "The certificate is not valid: it is for another host name."),
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
    assert not sending.in_doubt


def send_once(owner: FlaskClient) -> Any:
    """The stored sending of an e-invoice after one attempt."""
    einvoice = create_issued(owner, provider="http")
    perform(owner, einvoice["id"], "send")
    outbox.send_due()
    return stored_sendings()[0]


class TestWithoutAnAnswer:
    @pytest.mark.parametrize(
        "url", ["", "http://127.0.0.1:9/", "http://127.0.0.1:0x/", "http://a..b/", "https://{store}/"]
    )
    def test_what_was_not_sent_is_not_in_doubt(
        self, app: Hub, owner: FlaskClient, store: StoringProvider, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", url.format(store=f"127.0.0.1:{store.server_port}"))
        sending = send_once(owner)
        assert (sending.state, sending.in_doubt) == ("pending" if url else "failed", False), sending.error

    def test_a_connection_that_is_not_made_in_time_sends_nothing(
        self, app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http_provider, "HTTP_DEADLINE", 0.3)
        with socket.create_server(("127.0.0.1", 0)) as silent:  # TLS waits for the greeting of the server
            monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", f"https://127.0.0.1:{silent.getsockname()[1]}/")
            sending = send_once(owner)
        assert (sending.state, sending.in_doubt) == ("pending", False), sending.error

    def test_a_request_that_is_not_answered_in_time_is_in_doubt(
        self, app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http_provider, "HTTP_DEADLINE", 0.3)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/")
            sending = send_once(owner)
        assert (sending.state, sending.in_doubt) == ("pending", True), sending.error

    @pytest.mark.parametrize("cut", [CUT, HALF])
    def test_a_cut_answer_is_in_doubt(self, owner: FlaskClient, store: StoringProvider, cut: str) -> None:
        store.decide = lambda: cut
        sending = send_once(owner)
        assert (sending.state, sending.in_doubt, len(store.stored)) == ("pending", True, 1), sending.error

    def test_an_unknown_failure_is_in_doubt(self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_request: ProviderRequest) -> ProviderResponse:
            raise RuntimeError("unforeseen")

        set_adapter(monkeypatch, "http", send=fail)
        sending = send_once(owner)
        assert (sending.in_doubt, sending.error) == (True, "RuntimeError: unforeseen")


class TestLookUp:
    def test_it_asks_by_key_and_number(self, store: StoringProvider) -> None:
        store.stored["a key"] = "EA-2026-000001"
        request = ProviderRequest({"invoice_no": "EA-2026-000001"}, "a key", "", "", f"{store.url}/find?seller=7")
        found = http_provider.look_up(request)
        assert (found and found.provider_status, found and found.provider_invoice_id) == ("accepted", "P-a key")
        assert http_provider.look_up(replace(request, key="another")) is None

    @pytest.mark.parametrize("code", [204, 302, 400, 401, 409, 410, 500])
    def test_another_answer_tells_nothing(self, store: StoringProvider, code: int) -> None:
        store.lookup_code = code
        request = ProviderRequest({"invoice_no": "EA-2026-000001"}, "a key", "", "", store.url)
        with pytest.raises(ProviderRejected):
            http_provider.look_up(request)
