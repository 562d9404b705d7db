"""Password hashes."""

from __future__ import annotations

from app.accounts.login import passwords


def test_the_dummy_hash_has_the_current_parameters_and_matches_no_password() -> None:
    assert not passwords._hasher.check_needs_rehash(passwords._DUMMY_HASH)
    assert not passwords.verify_password(None, "nobody has this password")
