"""Hashes, Merkle trees and strict JSON of the format."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

#: Version of the format.
FORMAT = 1
NO_HASH = "0" * 64
_HASH = re.compile(r"[0-9a-f]{64}")
#: Keys of a statement and of a record, with their types.
STATEMENT = {"chain": str, "day": str, "first": int, "head": str, "last": int, "prev": str, "root": str, "v": int}
RECORD = {"at": str, "chain": str, "facts": dict, "kind": str, "position": int, "prev": str, "v": int}
OPTIONAL = {"einvoice": int, "sealed": str}


def leaf_hash(raw: bytes) -> str:
    """Hash of a record or statement."""
    return hashlib.sha256(b"\x00" + raw).hexdigest()


def node_hash(left: str, right: str) -> str:
    """Hash of two nodes of a tree."""
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def tree_root(hashes: list[str]) -> str:
    """Merkle root of a list of hashes (RFC 9162)."""
    while len(hashes) > 1:
        last = hashes[-1:] if len(hashes) % 2 else []
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)] + last
    return hashes[0] if hashes else NO_HASH


def root_by_proof(leaf: str, index: int, size: int, path: list[str]) -> str:
    """The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2); empty if it leads nowhere."""
    last = size - 1
    for step in path:
        if last <= 0 or not _HASH.fullmatch(step):
            return ""
        if index % 2 or index == last:
            leaf = node_hash(step, leaf)
            while index and not index % 2:
                index, last = index // 2, last // 2
        else:
            leaf = node_hash(leaf, step)
        index, last = index // 2, last // 2
    return leaf if last == 0 else ""


def parse(raw: bytes | str) -> dict[str, Any]:
    """A JSON object; empty if ``raw`` is none."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def parse_as(raw: bytes | str, shape: dict[str, Any]) -> dict[str, Any]:
    """A JSON object that has the keys of ``shape``, and of the others only optional ones; else empty."""
    value = parse(raw)
    types = {**shape, **OPTIONAL} if shape is RECORD else shape
    fits = shape.keys() <= value.keys() <= types.keys() and all(type(value[name]) is types[name] for name in value)
    hashes = all(_HASH.fullmatch(value[name]) for name in ("prev", "root", "head", "sealed") if name in value and fits)
    return value if fits and hashes and value["v"] == FORMAT else {}


def commitment(salt: Any, content: Any) -> str:
    """The salted hash of a content; empty if they are none."""
    try:
        return hashlib.sha256(bytes.fromhex(salt) + content.encode()).hexdigest()
    except (ValueError, TypeError, AttributeError):
        return ""
