"""Password hashes: argon2id with the library's parameters (RFC 9106, low-memory profile)."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.kernel.system.native_threads import NativeThreads

MIN_LENGTH, MAX_LENGTH = 10, 200
#: Stored instead of a hash when the user has not set a password yet; no password matches it.
NO_PASSWORD = ""
_hasher = PasswordHasher()
#: A hash uses four threads for some 50 ms, so one at a time keeps a processor free for other requests.
_threads = NativeThreads(threads=1, waiting=50)
#: Verified when the user is unknown, so that the response takes the same time; a test compares its parameters.
_DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$JsgHlTMUD0d3V45QaOzODg$GJiRVKYzpuzTGRvrN2o5mm7mXNX/cDlsHzTV26FJxDI"


def hash_password(password: str) -> str:
    """Hash of a new password.

    Raises:
        Busy: too many passwords wait to be hashed or checked in this process.
    """
    return _threads.run(_hasher.hash, password)


def verify_password(password_hash: str, password: str) -> bool:
    """Whether ``password`` matches the hash; takes the same time when there is no hash (``NO_PASSWORD``).

    Raises:
        Busy: too many passwords wait to be hashed or checked in this process.
    """
    return _threads.run(_matches, password_hash or _DUMMY_HASH, password) and password_hash != NO_PASSWORD


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def generate_password() -> str:
    """Generate a password with 96 random bits that is easy to read aloud."""
    return "-".join(secrets.token_hex(3) for _ in range(4))
