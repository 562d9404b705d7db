"""SSRF filter: the addresses of users that the hub may send to, and the reason why another address is refused."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from types import MappingProxyType
from typing import Any

from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from app.kernel.messages import N_, Message

Address = IPv4Address | IPv6Address
Allowances = Sequence[Mapping[str, Any]]

MAX_URL_LENGTH = 2000
#: Other ports belong to other services; an admin may allow them.
PORTS = (443, 8443)
#: Timeout in seconds of name resolution.
RESOLVE_SECONDS = 3.0

_BLOCKED_NETWORKS = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("169.254.169.254/32", "metadata of a cloud"),
        ("168.63.129.16/32", "metadata of a cloud (Azure)"),
        ("100.100.100.200/32", "metadata of a cloud (Alibaba)"),
        ("fd00:ec2::254/128", "metadata of a cloud (AWS)"),
        ("0.0.0.0/8", "this network (RFC 791)"),
        ("10.0.0.0/8", "private network (RFC 1918)"),
        ("172.16.0.0/12", "private network (RFC 1918)"),
        ("192.168.0.0/16", "private network (RFC 1918)"),
        ("100.64.0.0/10", "shared by carriers (CGNAT, RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("169.254.0.0/16", "link-local (RFC 3927)"),
        ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("192.88.99.0/24", "relay of 6to4 (RFC 7526)"),
        ("198.18.0.0/15", "benchmarks (RFC 2544)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
        ("::/128", "unspecified (RFC 4291)"),
        ("::1/128", "loopback (RFC 4291)"),
        ("::ffff:0:0/96", "IPv4 mapped into IPv6 (RFC 4291)"),
        ("::/96", "IPv4 within IPv6 (RFC 4291)"),
        ("64:ff9b::/96", "translated IPv4 (NAT64, RFC 6052)"),
        ("64:ff9b:1::/48", "translated IPv4 (NAT64, RFC 8215)"),
        ("100::/64", "discarded (RFC 6666)"),
        ("2001::/32", "IPv4 within IPv6 (Teredo, RFC 4380)"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("2001::/23", "protocol assignments (RFC 2928)"),
        ("2002::/16", "IPv4 within IPv6 (6to4, RFC 3056)"),
        ("3fff::/20", "documentation (RFC 9637)"),
        ("fc00::/7", "private network (RFC 4193)"),
        ("fe80::/10", "link-local (RFC 4291)"),
        ("fec0::/10", "site-local (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
    )
)
_Resolved = Mapping[tuple[str, int], "list[str] | Unresolved"]
#: What ``resolved_before`` found for the present request.
_resolved: ContextVar[_Resolved] = ContextVar("resolved", default=MappingProxyType({}))
_REFUSED = N_("%(address)s is refused: %(rule)s. An admin may allow it.")
_REFUSED_NAME = N_("%(host)s leads to %(address)s, which is refused: %(rule)s. An admin may allow it.")
_GLOBAL_UNICAST = ip_network("2000::/3")
_FORBIDDEN_CHARACTERS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff\\]")
#: Alternative IPv4 spellings (decimal, hex, octal, short) that some parsers accept: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMERIC_HOST = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE | re.ASCII)


class AddressError(Exception):
    """The hub does not send to an address, for the reason in ``message``."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(AddressError):
    """The hub may not send to the address; the message names the IP address and the rule."""


class Unresolved(AddressError):
    """The host name cannot be resolved at present."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a URL that decide where a request goes; ``host`` is in ASCII."""

    scheme: str
    host: str
    port: int


def parse_target(url: str) -> Target:
    """Parse a URL strictly.

    Raises:
        Refused: the URL is no plain https:// or http:// URL of a host.
    """
    if len(url) > MAX_URL_LENGTH:
        raise Refused(Message(N_("The address has more than %(n)s characters."), n=MAX_URL_LENGTH))
    if _FORBIDDEN_CHARACTERS.search(url):
        raise Refused(N_("The address holds white space, a backslash or control characters."))
    try:
        parts = parse_url(url)
        host = _to_ascii((parts.host or "").strip("[]"))
    except (LocationParseError, UnicodeError, ValueError) as error:
        raise Refused(N_("The address cannot be understood.")) from error
    _check_syntax(url, parts, host)
    return Target(parts.scheme or "", host, parts.port or (443 if parts.scheme == "https" else 80))


def resolve_target(target: Target, allowances: Allowances) -> str:
    """Resolve the host once, validate all its IP addresses, and return the one to connect to.

    Raises:
        Refused: one of the addresses, the scheme or the port is not allowed.
        Unresolved: the host name cannot be resolved at present.
    """
    addresses = [_without_zone(address) for address in resolve_host(target.host, target.port)]
    for address in addresses:
        if not _is_allowed(address, target.port, allowances):
            _check_address(address, target)
    return str(addresses[0])


@contextmanager
def resolved_before(*urls: str) -> Iterator[None]:
    """Resolve the hosts of ``urls`` now; in the block ``resolve_host`` returns these results."""
    found: dict[tuple[str, int], list[str] | Unresolved] = {}
    for url in urls:
        with suppress(Refused):  # the block refuses it too
            target = parse_target(url)
            found[target.host, target.port] = _resolve_or_keep_fault(target)
    token = _resolved.set(found)
    try:
        yield
    finally:
        _resolved.reset(token)


def _resolve_or_keep_fault(target: Target) -> list[str] | Unresolved:
    try:
        return resolve_host(target.host, target.port)
    except Unresolved as unresolved:
        return unresolved


def resolve_host(host: str, port: int) -> list[str]:
    """Return all IP addresses of a host.

    Raises:
        Unresolved: the host has no address, or the name server did not answer in time.
    """
    if isinstance(known := _resolved.get().get((host, port)), Unresolved):
        raise known
    if known is not None:
        return known
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass  # the host is a name
    lookup: Future[list[Any]] = _resolvers.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = lookup.result(RESOLVE_SECONDS)
    except TooSlow as error:
        lookup.cancel()  # a lookup that has not started is not needed any more
        raise Unresolved(
            Message(
                N_("%(host)s could not be resolved within %(n)s seconds."),
                host=host,
                n=f"{RESOLVE_SECONDS:.0f}",
            )
        ) from error
    except (OSError, UnicodeError) as error:
        raise Unresolved(Message(N_("%(host)s does not resolve."), host=host)) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


#: ``getaddrinfo`` has no timeout, so it runs in a thread. The number of threads is twice the number of requests of a
#: process: all requests may hang at a name server, and hang again after the timeout, before another name has to wait.
_resolvers = ThreadPoolExecutor(128, thread_name_prefix="resolve")


def blocking_rule(address: Address) -> str | None:
    """Return the rule that blocks an address; None for a public address."""
    for network, reason in _BLOCKED_NETWORKS:
        if address.version == network.version and address in network:
            return f"{reason}, {network}"
    for blocked in EXTRA_BLOCKED_NET_RANGES:
        if address.version == blocked.version and address in blocked:
            return f"special use, {blocked}"
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "outside the public part of IPv6, 2000::/3"
    return None if address.is_global else "not public (IANA's registry of special addresses)"


def _check_syntax(url: str, parts: Url, host: str) -> None:
    if parts.scheme not in {"https", "http"}:
        raise Refused(N_("The address must begin with https://."))
    if parts.auth is not None or "@" in (parts.netloc or ""):
        raise Refused(N_("The address must not hold a user or a password; use headers."))
    if parts.fragment is not None or "#" in url:
        raise Refused(N_("The address must not have a fragment (#…)."))
    if not host:
        raise Refused(N_("The address names no host."))
    if "%" in host:
        raise Refused(N_("The address must not hold a zone or escaped characters in its host."))
    if parts.port == 0:
        raise Refused(N_("Port 0 is no port."))
    if ":" not in host and _NUMERIC_HOST.fullmatch(host) and not _is_canonical_address(host):
        raise Refused(
            Message(N_("%(host)s is an odd way to write an address; write it as four decimal numbers."), host=host)
        )


def _is_canonical_address(host: str) -> bool:
    try:
        return str(ip_address(host)) == host
    except ValueError:
        return False


def _to_ascii(host: str) -> str:
    """Return a host name in ASCII (IDNA), which turns full-width digits and similar characters into plain ones."""
    return host if host.isascii() else host.encode("idna").decode()


def _without_zone(address: str) -> Address:
    return ip_address(address.partition("%")[0])


def _is_allowed(address: Address, port: int, allowances: Allowances) -> bool:
    networks = (ip_network(entry["cidr"]) for entry in allowances if entry["port"] == port)
    return any(address.version == network.version and address in network for network in networks)


def _check_address(address: Address, target: Target) -> None:
    if rule := blocking_rule(address):
        if target.host == str(address):
            refusal = Message(_REFUSED, address=address, rule=rule)
        else:
            refusal = Message(_REFUSED_NAME, host=target.host, address=address, rule=rule)
        raise Refused(refusal)
    if target.scheme != "https":
        raise Refused(N_("The address must begin with https://; an admin may allow plain http to a network and port."))
    if target.port not in PORTS:
        ports = " and ".join(map(str, PORTS))
        raise Refused(
            Message(
                N_("Port %(port)s is refused: only %(ports)s are open; an admin may allow it."),
                port=target.port,
                ports=ports,
            )
        )
