"""HTTP client: pinned addresses, environment, deadline, limits of the response."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from app.kernel.outbound import http_connection, ssrf
from app.webhooks.sender import dispatcher, http_client
from tests.webhooks.fixtures import Make, deliveries
from tests.webhooks.receivers import Receiver


def post(receiver: Receiver, **facts: Any) -> http_client.ReceiverResponse:
    allowances = [{"cidr": "127.0.0.0/8", "port": receiver.port}]
    return http_client.post(receiver.url, b"{}", {"Content-Type": "application/json"}, allowances, **facts)


def drip_status_line(request: Any) -> None:
    for byte in b"HTTP/1.1 200 OK and a reason that is long enough for the deadline\r\n\r\n":
        try:
            request.handler.wfile.write(bytes([byte]))
        except OSError:
            return
        time.sleep(0.05)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield listening.getsockname()[1]


def test_a_name_that_now_resolves_to_a_private_address_is_refused(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, dns: dict[str, list[str]]
) -> None:
    dns["erp.example.com"] = ["127.0.0.1"]
    url = f"http://erp.example.com:{receiver.port}/hooks"
    subscribe(url)
    dns["erp.example.com"] = ["10.0.0.5"]
    create_einvoices()
    send()
    (delivery,) = deliveries()
    assert (delivery.state, receiver.requests) == ("pending", [])
    assert delivery.error.startswith("erp.example.com leads to 10.0.0.5, which is refused")


def test_the_name_is_resolved_once_and_the_request_goes_to_that_address(
    *, receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, dns: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dns["erp.example.com"] = ["127.0.0.1"]
    subscribe(f"http://erp.example.com:{receiver.port}/hooks")
    lookups = []
    lookup = ssrf.socket.getaddrinfo

    def rebinding(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "erp.example.com":
            lookups.append(host)
            dns[host] = ["127.0.0.1"] if len(lookups) == 1 else ["10.0.0.5"]
        elif host == "127.0.0.1":
            return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", args[0]))]
        return lookup(host, *args, **kwargs)

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", rebinding)
    create_einvoices()
    send()
    assert lookups == ["erp.example.com"]
    (request,) = receiver.requests
    assert request["Host"] == f"erp.example.com:{receiver.port}"


def test_proxy_and_netrc_of_the_environment_are_ignored(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    answer = post(receiver)
    assert answer.is_success
    assert "authorization" not in receiver.requests[0].headers


def test_cookies_of_a_receiver_are_not_sent_back(start_receiver: Make) -> None:
    receiver = start_receiver(lambda _request: (200, {"Set-Cookie": "a=b"}, b""))
    post(receiver)
    post(receiver)
    assert "cookie" not in receiver.requests[1].headers


def test_a_closed_port_is_a_refused_connection(start_receiver: Make) -> None:
    receiver = start_receiver()
    receiver.close()
    assert post(receiver).error == "The connection was refused."


def test_an_error_message_shows_no_secret_of_the_url(start_receiver: Make) -> None:
    port = start_receiver().port
    allowances = [{"cidr": "127.0.0.0/8", "port": port}]
    answer = http_client.post(f"https://127.0.0.1:{port}/h?token=hush", b"{}", {}, allowances)
    assert (answer.error or "").startswith("TLS failed: ")
    assert "hush" not in (answer.error or "")


def test_the_deadline_is_15_seconds() -> None:
    assert http_client.HTTP_DEADLINE == 15


def test_a_receiver_that_sends_its_status_line_byte_by_byte_is_disconnected_at_the_deadline(
    start_receiver: Make,
) -> None:
    began = time.monotonic()
    answer = post(start_receiver(drip_status_line), deadline=0.3)
    assert answer.error == "No complete answer within 0.3 seconds."
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_receiver_that_sends_nothing_is_disconnected_at_the_deadline(
    silent: int, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(http_connection._CONFIG, "default_timeout", (0.3, 15))
    began = time.monotonic()
    allowances = [{"cidr": "127.0.0.0/8", "port": silent}]
    answer = http_client.post(f"{scheme}://127.0.0.1:{silent}/", b"{}", {}, allowances, deadline=0.4)
    assert answer.status is None
    assert answer.error
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("status", [200, 302])
def test_at_most_64_kib_are_read(start_receiver: Make, status: int) -> None:
    sent = []

    def flood(request: Any) -> None:
        out = request.handler.wfile
        out.write(b"HTTP/1.1 %d OK\r\nLocation: /\r\nContent-Length: 100000000\r\n\r\n" % status)
        try:
            for _ in range(1500):
                out.write(b"x" * 65536)
                sent.append(1)
        except OSError:
            return

    began = time.monotonic()
    answer = post(start_receiver(flood))
    assert (answer.status, len(answer.body or "")) == (status, 2048)
    assert time.monotonic() - began < 5
    assert len(sent) < 1500


def test_a_compressed_response_is_not_decompressed(start_receiver: Make) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    answer = post(start_receiver(lambda _request: (200, {"Content-Encoding": "gzip"}, bomb)))
    assert answer.status == 200
    assert len(answer.body or "") <= 2048


def test_consecutive_rounds_use_the_same_connection(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    dispatcher._pool.cache_clear()  # others have left many threads, each with a connection of its own
    subscribe(receiver)
    for _ in range(3):
        create_einvoices()
        assert send() == 1
    assert len({request.handler.client_address for request in receiver.requests}) == 1
