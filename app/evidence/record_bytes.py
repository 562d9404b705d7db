"""Canonical bytes (RFC 8785) and hashes of the evidence; ``docs/evidence.md`` describes the format."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import rfc8785

from app.kernel import clock

#: Version of the format; it stands in each record.
FORMAT = 1
#: What the first record of a chain states as the hash of the record before it.
NO_HASH = "0" * 64
SALT_BYTES = 16
_LEAF, _NODE = b"\x00", b"\x01"


def canonical(value: Any) -> bytes:
    """Canonical JSON; decimals and moments are texts, because JSON numbers are binary fractions for most readers."""
    return rfc8785.dumps(_plain(value))


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
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value
