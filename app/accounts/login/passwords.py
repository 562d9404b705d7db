"""Password hashes: argon2id with the library's parameters (RFC 9106, low-memory profile)."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH, MAX_LENGTH = 10, 200
_hasher = PasswordHasher()
#: Verified when the user is unknown, so that the response takes the same time; a test compares its parameters.
_DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$JsgHlTMUD0d3V45QaOzODg$GJiRVKYzpuzTGRvrN2o5mm7mXNX/cDlsHzTV26FJxDI"


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether ``password`` matches the hash; takes the same time when there is no hash."""
    try:
        return _hasher.verify(password_hash or _DUMMY_HASH, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def generate_password() -> str:
    """Generate a password with 96 random bits that is easy to read aloud."""
    return "-".join(secrets.token_hex(3) for _ in range(4))
