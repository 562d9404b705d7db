"""A change of ``SECRET_KEY``: what was sealed under the old one is sealed under the new one."""

from __future__ import annotations

from sqlalchemy import select

from app.extensions import db
from app.kernel.secret_box import DecryptionFailed, seal, unseal
from app.webhooks.models.endpoints import Endpoint

_ENCRYPTED_COLUMNS = ("secret", "previous_secret", "headers")


def reseal_secrets(old_key: str) -> int:
    """Seal all secrets anew; those that the present key opens already stay. How many endpoints were changed."""
    endpoints = db.session.scalars(select(Endpoint).where(Endpoint.deleted_at.is_(None)).with_for_update())
    return sum(_reseal(endpoint, old_key) for endpoint in endpoints)


def count_unreadable_secrets() -> int:
    """How many endpoints have a secret that the present key does not open."""
    endpoints = db.session.scalars(select(Endpoint).where(Endpoint.deleted_at.is_(None)))
    return sum(any((s := getattr(e, name)) and not _opens(s, None) for name in _ENCRYPTED_COLUMNS) for e in endpoints)


def _reseal(endpoint: Endpoint, old_key: str) -> bool:
    changed = False
    for name in _ENCRYPTED_COLUMNS:
        sealed: bytes | None = getattr(endpoint, name)
        if sealed and not _opens(sealed, None) and _opens(sealed, old_key):
            setattr(endpoint, name, seal(unseal(sealed, secret_key=old_key)))
            changed = True
    return changed


def _opens(sealed: bytes, key: str | None) -> bool:
    try:
        unseal(sealed, secret_key=key)
    except DecryptionFailed:
        return False
    return True
