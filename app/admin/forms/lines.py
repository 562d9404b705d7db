"""Fields with one entry per line: their conversion to and from the data of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def lines_of(text: str | None) -> Iterator[str]:
    """The lines that are not blank, without white space at their ends."""
    for line in (text or "").splitlines():
        if line.strip():
            yield line.strip()


def allowances_of(text: str | None) -> list[dict[str, Any]]:
    """Networks and ports: ``10.1.2.0/24 8080``."""
    pairs = (line.rpartition(" ") for line in lines_of(text))
    return [{"cidr": network.strip(), "port": port} for network, _, port in pairs]


def text_of_allowances(allowances: Sequence[Mapping[str, Any]]) -> str:
    """The reverse of ``allowances_of``."""
    return "\n".join(f"{entry['cidr']} {entry['port']}" for entry in allowances)
