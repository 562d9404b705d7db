"""Re-encryption of endpoint secrets and headers after a change of ``SECRET_KEY``."""

from __future__ import annotations

from sqlalchemy import select

from app.accounts import audit
from app.extensions import db
from app.kernel.secret_box import is_readable, reseal
from app.webhooks.models.endpoints import Endpoint

_ENCRYPTED_COLUMNS = ("secret", "previous_secret", "headers")


def reseal_secrets(old_key: str, *, actor: str) -> int:
    """Encrypt secrets of ``old_key`` with the current key; return the number of changed endpoints.

    Secrets that the current key decrypts stay as they are.
    """
    endpoints = db.session.scalars(select(Endpoint).where(Endpoint.deleted_at.is_(None)).with_for_update())
    count = sum(reseal(endpoint, _ENCRYPTED_COLUMNS, old_key) for endpoint in endpoints)
    audit.record("webhook_secrets.resealed", actor=actor, subject="webhook_secrets", count=count)
    return count


def count_unreadable_secrets() -> int:
    """Count the endpoints with a secret that the current key does not decrypt."""
    endpoints = db.session.scalars(select(Endpoint).where(Endpoint.deleted_at.is_(None)))
    return sum(any(not is_readable(getattr(endpoint, name)) for name in _ENCRYPTED_COLUMNS) for endpoint in endpoints)
