"""Text format of tokens: ``ihub_<public id>_<secret><checksum>``, easy to recognise for people and secret scanners."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import NamedTuple

PREFIX = "ihub_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
#: 71 bits of public id, 238 bits of secret; the checksum detects a typo without a database query.
_PUBLIC_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 12, 40, 6
_SHAPE = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{_PUBLIC_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)


class ParsedToken(NamedTuple):
    """Public id of a token and the hash of the whole token."""

    public_id: str
    secret_hash: bytes


def new_public_id() -> str:
    return _random_text(_PUBLIC_LENGTH)


def new_token(public_id: str) -> str:
    """Generate a token with this public id and a new random secret."""
    body = f"{PREFIX}{public_id}_{_random_text(_SECRET_LENGTH)}"
    return body + _checksum(body)


def parse_token(token: str) -> ParsedToken | None:
    """Split a token; None when its format or its checksum is wrong."""
    match = _SHAPE.fullmatch(token)
    if match is None or _checksum(token[:-_CHECKSUM_LENGTH]) != match[2]:
        return None
    return ParsedToken(match[1], hash_token(token))


def hash_token(token: str) -> bytes:
    """SHA-256 of a token for storage; the secret is random, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).digest()


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    """CRC-32 in base 62, always six characters."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
