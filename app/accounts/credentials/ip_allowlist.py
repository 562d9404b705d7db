"""Allowlists of credentials: addresses and networks from which a token or key may be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

MAX_ENTRIES = 100


def parse_networks(entries: Iterable[str]) -> list[str]:
    """Normalise an allowlist for storage: each entry as a network, without duplicates.

    Raises:
        Invalid: an entry is neither an address nor a network, or there are too many entries.
    """
    networks = list(dict.fromkeys(_network(entry) for entry in entries))
    if len(networks) > MAX_ENTRIES:
        raise Invalid({"allowlist": [Message(N_("At most %(n)s addresses and networks."), n=MAX_ENTRIES)]})
    return networks


def is_allowed(allowlist: Sequence[str], address: str | None) -> bool:
    """Whether the list contains ``address``. An empty list allows all; any other list refuses an unknown address."""
    if not allowlist:
        return True
    if address is None:
        return False
    return any(ip_address(address) in ip_network(entry) for entry in allowlist)


def _network(entry: str) -> str:
    try:
        network = ip_network(entry.strip(), strict=False)
    except ValueError as error:
        raise Invalid(
            {"allowlist": [Message(N_("%(entry)s is neither an address nor a network."), entry=repr(entry))]}
        ) from error
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    # IPv4-mapped IPv6 is stored as IPv4, as ``client_address`` returns it; ::ffff:0:0/96 is all of IPv4.
    return f"{mapped}/{network.prefixlen - 96}" if mapped and network.prefixlen >= 96 else str(network)  # noqa: PLR2004
