"""The text of a token: ``ihub_<public id>_<secret><checksum>``, known at sight by people and by secret scanners."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import NamedTuple

PREFIX = "ihub_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
#: 71 bits name a token, 238 guard it; the checksum tells a slip of the pen without looking anything up.
_PUBLIC_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 12, 40, 6
_SHAPE = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{_PUBLIC_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)


class ParsedToken(NamedTuple):
    """The two parts of a token that the hub works with."""

    public_id: str
    secret_hash: bytes


def new_public_id() -> str:
    return _random_text(_PUBLIC_LENGTH)


def new_token(public_id: str) -> str:
    """A token of this public id with a secret that was never given before."""
    body = f"{PREFIX}{public_id}_{_random_text(_SECRET_LENGTH)}"
    return body + _checksum(body)


def parse_token(token: str) -> ParsedToken | None:
    """The parts of a token; None when it was not made by a hub, or a character of it got lost."""
    found = _SHAPE.fullmatch(token)
    if found is None or _checksum(token[:-_CHECKSUM_LENGTH]) != found[2]:
        return None
    return ParsedToken(found[1], hash_token(token))


def hash_token(token: str) -> bytes:
    """What is stored of a token: its secret is random enough for a plain SHA-256."""
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
