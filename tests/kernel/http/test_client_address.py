"""Client addresses: ports, brackets, zones and quotes of proxies; the network that limits count."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import request
from flask.testing import FlaskClient

from app.kernel.http.app import Hub
from app.kernel.http.client_address import client_network, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.51.100.8", "198.51.100.8"),
        (" 198.51.100.8:50001 ", "198.51.100.8"),
        ('"198.51.100.8:1"', "198.51.100.8"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('"[2001:db8::1]:52100"', "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1:443", "2001:db8::1"),
        ("2001:db8::1:52100", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:443", "fe80::1"),
        ("::ffff:198.51.100.8", "198.51.100.8"),
        ("[::ffff:198.51.100.8]:443", "198.51.100.8"),
        ("::ffff:198.51.100.8:443", "198.51.100.8"),
    ],
)
def test_one_canonical_address(text: str, address: str) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [None, "", "unknown", "_hidden:443", "198.51.100", "198.51.100.8:", "198.51.100.8:x", "198.51.100.8:123456",
     "[2001:db8::1", "[2001:db8::1]443", "198.51.100.8:1:2", ":443", "198.51.100.8:²",
     "198.51.100.8" + " " * 200 + "x"],
)  # fmt: skip
def test_no_address(text: str | None) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("198.51.100.8", "198.51.100.8/32"),
        ("2001:db8:0:7:1::2", "2001:db8:0:7::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
    ],
)
def test_network(app: Hub, peer: str, network: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": peer}):
        assert client_network() == network


@pytest.mark.parametrize("hops", [0, 1])
def test_every_reader_sees_the_canonical_address(app_with: Callable[..., Hub], hops: int) -> None:
    app = app_with(trusted_proxies=hops)
    app.add_url_rule("/address", view_func=lambda: request.remote_addr)
    client: FlaskClient = app.test_client()
    client.environ_base["REMOTE_ADDR"] = "fe80::1%eth0"
    answer = client.get("/address", headers={"X-Forwarded-For": "203.0.113.9:52100"})
    assert answer.text == ("203.0.113.9" if hops else "fe80::1")


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (1, '", 203.0.113.9', "203.0.113.9"),
        (1, '198.51.100.8, ", 203.0.113.9:52100', "203.0.113.9"),
        (1, '"\\, 203.0.113.9', "203.0.113.9"),
        (2, '198.51.100.8, 198.51.100.9, ", 203.0.113.9, 10.0.0.1', "203.0.113.9"),
        (2, "198.51.100.8, 203.0.113.9, [fe80::1%eth0]:443", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.8, unknown", ""),
        (1, "198.51.100.8, ", ""),
        (1, "", "127.0.0.1"),
    ],
)
def test_a_client_cannot_hide_what_the_proxies_appended(
    app_with: Callable[..., Hub], hops: int, forwarded: str, address: str
) -> None:
    app = app_with(trusted_proxies=hops)
    app.add_url_rule("/address", view_func=lambda: request.remote_addr or "")
    assert app.test_client().get("/address", headers={"X-Forwarded-For": forwarded}).text == address
