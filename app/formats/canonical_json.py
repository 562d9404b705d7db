"""``canonical_bytes()``: the canonical form as JSON of RFC 8785, its sha256, and the way back."""

from __future__ import annotations

import dataclasses
import hashlib
from decimal import Decimal
from typing import Any

import msgspec
import rfc8785

from app.formats.canonical import Fault, Invoice

#: Raised with every change of the form that the hub's own invoices have; the bytes of stored ones keep theirs.
VERSION = 1


_BEYOND_BASIC_PLANE = 0xF0
#: Names of the fields of each part.
_FIELDS: dict[Any, tuple[str, ...]] = {}
_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Invoice)


def canonical_bytes(invoice: Invoice) -> bytes:
    """JSON by RFC 8785: no missing values, decimals as texts in their shortest form, keys in order."""
    plain = {"version": VERSION, **_plain(invoice)}
    raw = _encoder.encode(plain)
    # All keys are ASCII and all numbers are small integers, so the bytes are those of ``rfc8785``, ten times as fast,
    # unless a text has a character outside of the basic plane: there the package decides.
    return rfc8785.dumps(plain) if max(raw) >= _BEYOND_BASIC_PLANE else raw


def read_canonical(raw: bytes) -> Invoice:
    """The invoice whose canonical bytes these are.

    Raises:
        msgspec.DecodeError: they are of something else.
    """
    return _decoder.decode(raw)


def sha256(invoice: Invoice) -> str:
    """The hexadecimal hash of ``canonical_bytes()``."""
    return hashlib.sha256(canonical_bytes(invoice)).hexdigest()


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is Decimal:
        return shortest(value)
    if kind is tuple:
        return [_plain(each) for each in value if type(each) is not Fault]
    if names := _names(kind):
        pairs = ((name, getattr(value, name)) for name in names)
        return {name: plain for name, each in pairs if each is not None and (plain := _plain(each)) not in ([], {})}
    return str(value) if isinstance(value, str) else value


def _names(kind: Any) -> tuple[str, ...]:
    """The fields of a part of the form; none of a plain value."""
    if kind not in _FIELDS:
        is_part = dataclasses.is_dataclass(kind)
        _FIELDS[kind] = tuple(field.name for field in dataclasses.fields(kind)) if is_part else ()
    return _FIELDS[kind]


def shortest(value: Decimal) -> str:
    """The plain text of a decimal without zeros at its end: ``920.00`` becomes ``920``."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text
