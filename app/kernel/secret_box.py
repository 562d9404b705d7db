"""Secrets that must be read again (a hash will not do), encrypted at rest under a key derived from ``SECRET_KEY``."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

from app.kernel.messages import N_

_PURPOSE = b"invoice-hub sealed secrets"


class DecryptionFailed(Exception):
    """Sealed under another ``SECRET_KEY``, or damaged."""

    def __init__(self) -> None:
        super().__init__(N_("The stored secret cannot be read: it was sealed under another SECRET_KEY."))


def seal(secret: bytes) -> bytes:
    """Encrypt and authenticate; only this installation's ``SECRET_KEY`` opens it again."""
    return _cipher(current_app.config["SECRET_KEY"]).encrypt(secret)


def unseal(sealed: bytes, *, secret_key: str | None = None) -> bytes:
    """What was sealed, under this or an earlier ``secret_key``.

    Raises:
        Unreadable: it was sealed under another key, or changed since.
    """
    try:
        return _cipher(secret_key or current_app.config["SECRET_KEY"]).decrypt(sealed)
    except InvalidToken as error:
        raise DecryptionFailed from error


@cache
def _cipher(secret_key: str) -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
