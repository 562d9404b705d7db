"""Password hashes: argon2id with the library's parameters (RFC 9106, low-memory profile)."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 200
_hasher = PasswordHasher()


def hashed(password: str) -> str:
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether ``password`` is the one; takes the same time when there is no hash to compare with."""
    try:
        return _hasher.verify(password_hash or _nobody(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    """Verified when the user is unknown, so that the answer takes as long."""
    return _hasher.hash("nobody has this password")


def made_up() -> str:
    """A password for somebody who forgot theirs: 95 bits, easy to read aloud."""
    return "-".join(secrets.token_hex(3) for _ in range(4))
