"""The catalogue: each event that the hub knows, defined by one line in the room it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

#: The short named frame that goes ahead of the full object on a live stream: its name and what it holds.
Notice = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class EventType:
    """``name`` is ``room.happened``; the body's ``data`` carries the dumped object under ``key``."""

    name: str
    schema: Schema
    key: str
    description: str
    notice: Callable[[dict[str, Any]], Notice] | None = None


CATALOGUE: dict[str, EventType] = {}


def define(
    name: str,
    schema: type[Schema],
    description: str,
    *,
    key: str,
    notice: Callable[[dict[str, Any]], Notice] | None = None,
) -> EventType:
    """Add an event: from here on it is documented, subscribable, delivered and streamed."""
    if name in CATALOGUE:
        raise ValueError(f"event {name} is defined twice")
    CATALOGUE[name] = EventType(name, schema(), key, description, notice)
    return CATALOGUE[name]


def matching(patterns: Iterable[str]) -> list[str]:
    """The names that ``patterns`` (``sales.imported``, ``grn.*``, ``*``) select, in the catalogue's order."""
    wanted = list(patterns)
    return [name for name in CATALOGUE if any(_matches(name, pattern) for pattern in wanted)]


def _matches(name: str, pattern: str) -> bool:
    return pattern in {"*", name} or (pattern.endswith(".*") and name.startswith(pattern[:-1]))
