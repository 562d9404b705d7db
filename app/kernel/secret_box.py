"""Encryption of stored secrets that must be readable again, with a key derived from ``SECRET_KEY``."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from app.kernel.messages import N_

_PURPOSE = b"invoice-hub sealed secrets"


class DecryptionFailed(Exception):
    """The secret was encrypted under another ``SECRET_KEY``, or it is damaged."""

    def __init__(self) -> None:
        super().__init__(N_("The stored secret cannot be read: it was sealed under another SECRET_KEY."))


def seal(secret: bytes) -> bytes:
    """Encrypt and authenticate ``secret`` under the ``SECRET_KEY`` of this installation."""
    return _cipher(current_app.config["SECRET_KEY"]).encrypt(secret)


def unseal(sealed: bytes, *, secret_key: str | None = None) -> bytes:
    """Decrypt what ``seal`` returned, under the present ``SECRET_KEY`` or an earlier ``secret_key``.

    Raises:
        DecryptionFailed: it was encrypted under another key, or changed since.
    """
    try:
        return _cipher(secret_key or current_app.config["SECRET_KEY"]).decrypt(sealed)
    except InvalidToken as error:
        raise DecryptionFailed from error


def is_readable(sealed: bytes | None, *, secret_key: str | None = None) -> bool:
    """Whether ``unseal`` can decrypt it; nothing is always readable."""
    if not sealed:
        return True
    try:
        unseal(sealed, secret_key=secret_key)
    except DecryptionFailed:
        return False
    return True


def reseal(row: Any, columns: Sequence[str], old_key: str) -> bool:
    """Encrypt those ``columns`` of ``row`` with the present key that only ``old_key`` decrypts; true if one changed."""
    changed = False
    for name in columns:
        sealed: bytes | None = getattr(row, name)
        if sealed and not is_readable(sealed) and is_readable(sealed, secret_key=old_key):
            setattr(row, name, seal(unseal(sealed, secret_key=old_key)))
            changed = True
    return changed


@cache
def _cipher(secret_key: str) -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
