"""Samples of roots and proofs in the API reference."""

from __future__ import annotations

import hashlib
from typing import Any

from app.evidence.record_bytes import NO_HASH, canonical, leaf_hash

_CHAIN = "6f1f2a5e-0d0e-4a57-9d3c-2d9f1c1f6a11"
_RECORD = canonical(
    {
        "at": "2026-01-18T09:30:00.000000Z",
        "chain": _CHAIN,
        "einvoice": 123,
        "facts": {"format": "pdf", "sha256": hashlib.sha256(b"%PDF").hexdigest(), "size": 4},
        "kind": "artefact",
        "position": 1,
        "prev": NO_HASH,
        "v": 1,
    }
)
_HASH = leaf_hash(_RECORD)
_STATEMENT = canonical(
    {
        "chain": _CHAIN,
        "day": "2026-01-18",
        "first": 1,
        "head": _HASH,
        "last": 1,
        "prev": NO_HASH,
        "root": _HASH,
        "v": 1,
    }
)
ROOT: dict[str, Any] = {
    "day": "2026-01-18",
    "first": 1,
    "last": 1,
    "root": _HASH,
    "hash": leaf_hash(_STATEMENT),
    "statement": _STATEMENT.decode(),
    "created_at": "2026-01-19T00:00:12.000000Z",
    "stamped_at": "2026-01-19T00:01:00.000000Z",
}
PROVEN: dict[str, Any] = {
    "position": 1,
    "hash": _HASH,
    "record": _RECORD.decode(),
    "proof": {"day": "2026-01-18", "index": 0, "size": 1, "path": [], "root": _HASH},
}
