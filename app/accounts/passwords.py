"""Password hashes: argon2id with the library's parameters (RFC 9106, low-memory profile)."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH, MAX_LENGTH = 10, 200
_hasher = PasswordHasher()
#: Verified when the user is unknown, so that the answer takes as long; a test looks that its parameters are the same.
_DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$JsgHlTMUD0d3V45QaOzODg$GJiRVKYzpuzTGRvrN2o5mm7mXNX/cDlsHzTV26FJxDI"


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether ``password`` is the one; takes the same time when there is no hash to compare with."""
    try:
        return _hasher.verify(password_hash or _DUMMY_HASH, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def generate_password() -> str:
    """A password for somebody who forgot theirs: 95 bits, easy to read aloud."""
    return "-".join(secrets.token_hex(3) for _ in range(4))
