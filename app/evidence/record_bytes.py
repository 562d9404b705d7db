"""Canonical bytes (RFC 8785) and hashes of the evidence; ``docs/evidence.md`` describes the format."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import rfc8785

from app.kernel import clock

#: Version of the format; it stands in each record.
FORMAT = 1
#: What the first record of a chain states as the hash of the record before it.
NO_HASH = "0" * 64
SALT_BYTES = 16
_LEAF, _NODE = b"\x00", b"\x01"
_BEYOND_BASIC_PLANE = 0xF0
#: Integers from here on are no exact JSON numbers for most readers, so they are texts.
_INEXACT = 2**53
_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: Any) -> bytes:
    """Canonical JSON; numbers with decimals and moments are texts, because JSON numbers are binary fractions."""
    plain = _plain(value)
    raw = _encoder.encode(plain)
    # Ten times as fast as ``rfc8785``, and the same bytes unless a key has a character outside of the basic plane,
    # whose UTF-8 begins with a byte from 0xF0: RFC 8785 sorts keys by their UTF-16.
    return rfc8785.dumps(plain) if max(raw) >= _BEYOND_BASIC_PLANE else raw


def leaf_hash(record: bytes) -> str:
    """Hash of a record (RFC 9162: the prefix byte 0)."""
    return hashlib.sha256(_LEAF + record).hexdigest()


def node_hash(left: str, right: str) -> str:
    """Hash of two hashes of a Merkle tree (RFC 9162: the prefix byte 1)."""
    return hashlib.sha256(_NODE + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def new_salt() -> bytes:
    """A secret salt, so that nobody finds short contents by trying."""
    return secrets.token_bytes(SALT_BYTES)


def commitment(salt: bytes, content: bytes) -> str:
    """Hash that commits to a content without showing it."""
    return hashlib.sha256(salt + content).hexdigest()


def decimal_text(value: Decimal) -> str:
    """A decimal without exponent and without zeros at its end: the same after any way through the database."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _plain(value: Any) -> Any:
    """The value in texts, integers, truth values, nulls, lists and objects."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is int:
        return value if -_INEXACT < value < _INEXACT else str(value)
    if kind is dict:
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return _as_text(value)


def _as_text(value: Any) -> str:
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return clock.iso(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
