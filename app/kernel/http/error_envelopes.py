"""Error envelopes: the base class, and the registry of the envelopes that the APIs define."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from app.kernel.errors import Invalid, Refusal

Json = dict[str, Any]
#: A path into a payload (``("items", 9, "quantity")``) and the errors at that place.
FlatError = tuple[tuple[str | int, ...], list[str]]
#: The prefix of the envelope that answers wherever no other prefix matches.
EVERY_PATH = ""


class Envelope(ABC):
    """The JSON shape of the errors below some path prefixes."""

    #: Name of the shape in the OpenAPI document; envelopes of the same shape share it.
    name: ClassVar[str]
    #: Path prefixes without a trailing slash.
    prefixes: ClassVar[tuple[str, ...]]
    #: OpenAPI security schemes by name; a protected operation accepts any of them.
    authentication: ClassVar[Mapping[str, Json]]
    validation_status: ClassVar[int] = 422

    def status(self, refusal: Refusal) -> int:
        return self.validation_status if isinstance(refusal, Invalid) else refusal.status

    @abstractmethod
    def body(self, refusal: Refusal) -> Json:
        """The JSON document of a refusal."""

    @abstractmethod
    def schema(self, extras: Json) -> Json:
        """The same shape as an OpenAPI schema object; ``extras`` describe the keys of ``Refusal.data``."""


_registered: list[Envelope] = []


def register_envelope(envelope: Envelope) -> None:
    """Answer errors below the prefixes of ``envelope`` with it.

    Raises:
        ValueError: another envelope has one of these prefixes.
    """
    taken = {prefix for other in _registered for prefix in other.prefixes}.intersection(envelope.prefixes)
    if taken:
        raise ValueError(f"error envelope registered twice for {', '.join(sorted(taken))}")
    _registered.append(envelope)
    _registered.sort(key=lambda one: EVERY_PATH in one.prefixes)


def registered_envelopes() -> Sequence[Envelope]:
    """All envelopes; the one of ``EVERY_PATH`` comes last."""
    return tuple(_registered)


def envelope_of(path: str) -> Envelope:
    """The envelope for a request path, whether a route exists there or not."""
    for envelope in _registered:
        if any(prefix in {path, EVERY_PATH} or path.startswith(f"{prefix}/") for prefix in envelope.prefixes):
            return envelope
    raise LookupError(f"no error envelope is registered for {path}")


def flatten_errors(errors: Any, path: tuple[str | int, ...] = ()) -> Iterator[FlatError]:
    """Walk nested field errors down to their sentences."""
    if isinstance(errors, Mapping):
        for step, below in errors.items():
            yield from flatten_errors(below, path if step == "_schema" else (*path, step))
    else:
        yield path, [errors] if isinstance(errors, str) else list(errors)


def object_schema(*, required: tuple[str, ...] = (), **properties: Json) -> Json:
    """An OpenAPI object schema of ``properties``."""
    schema: Json = {"type": "object", "properties": properties}
    return schema | {"required": list(required)} if required else schema
