"""Re-encryption of the secrets of provider accounts after a change of ``SECRET_KEY``."""

from __future__ import annotations

from sqlalchemy import select

from app.accounts import audit
from app.einvoices.models.provider_accounts import ProviderAccount
from app.extensions import db
from app.kernel.secret_box import is_readable, reseal

_ENCRYPTED_COLUMNS = ("token", "callback_secret", "previous_callback_secret")


def reseal_accounts(old_key: str, *, actor: str) -> int:
    """Encrypt secrets of ``old_key`` with the current key; return the number of changed accounts."""
    accounts = db.session.scalars(select(ProviderAccount).order_by(ProviderAccount.id).with_for_update())
    count = sum(reseal(account, _ENCRYPTED_COLUMNS, old_key) for account in accounts)
    audit.record("provider_account_secrets.resealed", actor=actor, subject="provider_account_secrets", count=count)
    return count


def count_unreadable_accounts() -> int:
    """Count the accounts with a secret that the current key does not decrypt."""
    accounts = db.session.scalars(select(ProviderAccount))
    return sum(any(not is_readable(getattr(account, name)) for name in _ENCRYPTED_COLUMNS) for account in accounts)
