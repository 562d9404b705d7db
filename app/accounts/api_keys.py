"""API keys for sales imports: several valid at once, each revocable, optionally tied to addresses."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta

from flask import current_app, request
from sqlalchemy import select

from app.accounts import audit, ip_allowlist
from app.accounts.display_names import NAME_RULE, is_name
from app.accounts.errors import AddressNotAllowed, ApiKeyEnded, InvalidApiKey
from app.accounts.models.accounts import ApiKey
from app.accounts.principals import Principal, client_address
from app.accounts.roles import API_KEY
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid, NotFound
from app.kernel.messages import N_, Message

HEADER = "X-API-KEY"
_PREFIX_LENGTH = 8
#: How long the old key goes on after a rotation, unless something else is said, and at most.
DEFAULT_GRACE, MAX_GRACE = timedelta(hours=24), timedelta(days=30)


def authenticator() -> Principal | None:
    """The holder of the key in ``X-API-KEY``.

    Raises:
        InvalidApiKey: unknown, expired or revoked.
        AddressNotAllowed: the key may not be used from here.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    return _environment_key(given) or _stored_key(given)


def create(
    *, name: str, actor: str, allowlist: Sequence[str] = (), lifetime: timedelta | None = None
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which nobody can read again.

    Raises:
        Invalid: the name is blank or too long, or an entry of the allowlist is no address and no network.
    """
    if not is_name(name):
        raise Invalid({"name": [NAME_RULE]})
    secret, moment = secrets.token_urlsafe(32), clock.now()
    key = ApiKey(
        name=name,
        prefix=secret[:_PREFIX_LENGTH],
        key_hash=_hash(secret),
        allowlist=ip_allowlist.parse_networks(allowlist),
        created_at=moment,
        expires_at=moment + lifetime if lifetime else None,
    )
    db.session.add(key)
    db.session.flush()
    audit.record("api_key.created", actor=actor, subject=f"api_key:{key.id}", name=name, allowlist=key.allowlist)
    return key, secret


def revoke(key_id: int, *, actor: str) -> ApiKey:
    """Make a key useless from now on.

    Raises:
        NotFound: no such key.
    """
    key = _lock_key(key_id)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        audit.record("api_key.revoked", actor=actor, subject=f"api_key:{key.id}", name=key.name)
    return key


def rotate(key_id: int, *, actor: str, grace: timedelta = DEFAULT_GRACE) -> tuple[ApiKey, str]:
    """Make the key that takes another one's place; the old one goes on for ``grace``.

    Raises:
        NotFound: no such key.
        ApiKeyEnded: it has expired or was revoked.
        Invalid: a grace period that is not offered.
    """
    if not timedelta() <= grace <= MAX_GRACE:
        raise Invalid({"grace": [Message(N_("Use 0 to %(n)s hours."), n=MAX_GRACE.days * 24)]})
    old, moment = _lock_key(key_id), clock.now()
    if old.revoked_at or (old.expires_at and old.expires_at <= moment):
        raise ApiKeyEnded
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    key, secret = create(name=old.name, actor=actor, allowlist=old.allowlist, lifetime=lifetime)
    old.expires_at = min(moment + grace, old.expires_at or moment + grace)
    until = clock.iso(old.expires_at)
    audit.record("api_key.rotated", actor=actor, subject=f"api_key:{old.id}", by=key.id, old_key_until=until)
    return key, secret


def change_allowlist(key_id: int, allowlist: Sequence[str], *, actor: str) -> ApiKey:
    """Tie a key to other addresses.

    Raises:
        NotFound: no such key.
        Invalid: an entry is no address and no network.
    """
    key = _lock_key(key_id)
    key.allowlist = ip_allowlist.parse_networks(allowlist)
    audit.record("api_key.allowlist_changed", actor=actor, subject=f"api_key:{key.id}", allowlist=key.allowlist)
    return key


def list_keys() -> list[ApiKey]:
    """All keys, newest first."""
    return list(db.session.scalars(select(ApiKey).order_by(ApiKey.id.desc())))


def _lock_key(key_id: int) -> ApiKey:
    key: ApiKey | None = db.session.get(ApiKey, key_id, with_for_update=True)
    if key is None:
        raise NotFound
    return key


def _environment_key(given: str) -> Principal | None:
    """A key of ``SALES_IMPORT_API_KEY``; every one is compared, each in constant time."""
    digest = _hash(given)
    found = [key for key in current_app.config["SALES_IMPORT_API_KEYS"] if hmac.compare_digest(_hash(key), digest)]
    return _principal(f"env-{digest.hex()[:8]}", "SALES_IMPORT_API_KEY") if found else None


def _stored_key(given: str) -> Principal:
    key: ApiKey | None = db.session.scalar(select(ApiKey).where(ApiKey.key_hash == _hash(given)))
    moment = clock.now()
    if key is None or key.revoked_at or (key.expires_at and key.expires_at <= moment):
        raise InvalidApiKey
    if not ip_allowlist.is_allowed(key.allowlist, client_address()):
        raise AddressNotAllowed
    return _principal(str(key.id), key.name)


def _principal(number: str, name: str) -> Principal:
    return Principal(credential=f"api_key:{number}", abilities=API_KEY, name=name)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
