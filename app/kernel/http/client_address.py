"""Client addresses: what a socket or a proxy names (``ip:port``, IPv6 zones) becomes one canonical IP address."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from flask import request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: An IPv6 customer has at least a /64, so each of its addresses counts as the same client.
_NETWORK_BITS = {4: 32, 6: 64}
#: Longer than every address with zone and port.
_MAX_LENGTH = 120


class CanonicalRemoteAddress:
    """WSGI middleware: ``REMOTE_ADDR`` is the client's canonical IP address, or empty when it is unknown.

    Allowlists, limits, logs and records all read it. Behind ``hops`` trusted proxies, each of which appends an address
    to ``X-Forwarded-For``, the client is the one at that place from the end. With fewer addresses, a request did not
    pass all proxies: the first address is the one that a proxy saw. The list is split at every comma: a parser of
    quoted strings lets a client hide the addresses of the proxies behind a quotation mark.
    """

    def __init__(self, app: WSGIApplication, hops: int = 0) -> None:
        self._app = app
        self._hops = hops

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        address = environ.get("REMOTE_ADDR")
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if self._hops and any(forwarded):
            address = forwarded[-min(self._hops, len(forwarded))]
        environ["REMOTE_ADDR"] = parse_address(address) or ""
        return self._app(environ, start_response)


@functools.lru_cache(maxsize=4096)
def parse_address(text: str | None) -> str | None:
    """Canonical IP address of ``text``: without port, brackets, quotes and zone; IPv4-mapped IPv6 as IPv4.

    Returns None when ``text`` holds no IP address (``unknown``, a Unix socket). A port is recognized after IPv4, after
    brackets, and after IPv6 without brackets where the whole is no address: ``2001:db8::1:443`` is one.
    """
    host = (text or "").strip().strip('"').strip()
    if len(host) > _MAX_LENGTH:
        return None
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        return _canonical(host) if bracket and (not port or _is_port(port)) else None
    before, colon, port = host.rpartition(":")
    return _canonical(host) or (_canonical(before) if _is_port(colon + port) else None)


def client_address() -> str | None:
    """IP address of the client of this request; ``X-Forwarded-For`` counts only behind the configured proxies.

    None without an address (Unix socket), or when a proxy passed on another text (``unknown``).
    """
    return parse_address(request.remote_addr)


def client_network() -> str:
    """Network of the client, for limits: one IPv4 address or an IPv6 /64; all unknown clients are one network."""
    address = client_address()
    if address is None:
        return "unknown"
    return str(ip_network((address, _NETWORK_BITS[ip_address(address).version]), strict=False))


def _canonical(host: str) -> str | None:
    try:
        # Without the zone (``fe80::1%eth0``): it is valid on one machine only.
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped: Any = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _is_port(text: str) -> bool:
    digits = text.removeprefix(":")
    return text != digits and len(digits) <= 5 and digits.isascii() and digits.isdigit()  # noqa: PLR2004
