"""Password hashes."""

from __future__ import annotations

from argon2 import PasswordHasher

from app.accounts.login import passwords

#: As the hub has them: when the tests run, these names stand for cheaper ones.
HASHER, DUMMY_HASH = passwords._hasher, passwords._DUMMY_HASH


def test_a_hash_has_the_parameters_of_the_library() -> None:
    password_hash = HASHER.hash("correct horse")
    assert not PasswordHasher().check_needs_rehash(password_hash)
    assert HASHER.verify(password_hash, "correct horse")


def test_the_dummy_hash_has_the_current_parameters_and_matches_no_password() -> None:
    assert not HASHER.check_needs_rehash(DUMMY_HASH)
    assert not passwords.verify_password(passwords.NO_PASSWORD, "nobody has this password")
