"""The registry of event types; each package defines its own in its ``events.py``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

#: A short named frame that a live stream sends before the full object: its name and its data.
Notice = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event. ``name`` is ``package.verb``; ``data`` in the body has the dumped object under ``key``.

    ``ability`` is the one that reads these objects by the API of their package.
    """

    name: str
    schema: Schema
    key: str
    description: str
    ability: str
    notice: Callable[[dict[str, Any]], Notice] | None = None


CATALOGUE: dict[str, EventType] = {}


def define(
    name: str,
    schema: type[Schema],
    description: str,
    *,
    key: str,
    ability: str,
    notice: Callable[[dict[str, Any]], Notice] | None = None,
) -> EventType:
    """Define an event type: it is then documented, can be subscribed to, and is delivered and streamed."""
    if name in CATALOGUE:
        raise ValueError(f"event {name} is defined twice")
    CATALOGUE[name] = EventType(name, schema(), key, description, ability, notice)
    return CATALOGUE[name]


def matching(patterns: Iterable[str]) -> list[str]:
    """The event names that match ``patterns`` (``sales.imported``, ``grn.*``, ``*``), in the order of the registry."""
    all_patterns = list(patterns)
    return [name for name in CATALOGUE if any(_matches(name, pattern) for pattern in all_patterns)]


def readable(abilities: Collection[str]) -> list[str]:
    """The event names whose data may be read with ``abilities``, in the order of the registry."""
    return [name for name, event_type in CATALOGUE.items() if event_type.ability in abilities]


def missing_abilities(patterns: Iterable[str], abilities: Collection[str]) -> list[str]:
    """The abilities that are needed to read all events of ``patterns`` and that ``abilities`` lacks."""
    return sorted({CATALOGUE[name].ability for name in matching(patterns)}.difference(abilities))


def _matches(name: str, pattern: str) -> bool:
    return pattern in {"*", name} or (pattern.endswith(".*") and name.startswith(pattern[:-1]))
