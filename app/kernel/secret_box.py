"""Encryption of stored secrets that must be readable again, with a key derived from ``SECRET_KEY``."""

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


@cache
def _cipher(secret_key: str) -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
