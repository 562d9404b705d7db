"""API keys for sales imports: authentication, creation, rotation, revocation and allowlists."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import current_app, request
from sqlalchemy import select

from app.accounts import audit
from app.accounts.credentials import ip_allowlist
from app.accounts.display_names import NAME_RULE, is_name
from app.accounts.errors import AddressNotAllowed, ApiKeyEnded, InvalidApiKey
from app.accounts.models.accounts import ApiKey
from app.accounts.principals import Principal
from app.accounts.roles import API_KEY
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid, NotFound
from app.kernel.http.client_address import client_address
from app.kernel.messages import N_, Message
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import QuerySource
from app.kernel.text.plain_letters import contains_folded

HEADER = "X-API-KEY"
_PREFIX_LENGTH = 8
#: Grace period after a rotation, in which the old key still works: default and maximum.
DEFAULT_GRACE, MAX_GRACE = timedelta(hours=24), timedelta(days=30)


def authenticator() -> Principal | None:
    """Principal of the key in ``X-API-KEY``; None when the header is missing.

    Raises:
        InvalidApiKey: the key is unknown, expired or revoked.
        AddressNotAllowed: the allowlist of the key does not contain the address of the client.
    """
    secret = request.headers.get(HEADER)
    if secret is None:
        return None
    return _environment_key(secret) or _stored_key(secret)


def create(
    *, name: str, actor: str, allowlist: Sequence[str] = (), lifetime: timedelta | None = None
) -> tuple[ApiKey, str]:
    """Create a key. The second value is the secret itself; only its hash is stored.

    Raises:
        Invalid: the name is blank or too long, or an entry of the allowlist is neither an address nor a network.
    """
    if not is_name(name):
        raise Invalid({"name": [NAME_RULE]})
    secret, now = secrets.token_urlsafe(32), clock.now()
    key = ApiKey(
        name=name,
        prefix=secret[:_PREFIX_LENGTH],
        key_hash=_hash(secret),
        allowlist=ip_allowlist.parse_networks(allowlist),
        created_at=now,
        expires_at=now + lifetime if lifetime else None,
    )
    db.session.add(key)
    db.session.flush()
    audit.record("api_key.created", actor=actor, subject=f"api_key:{key.id}", name=name, allowlist=key.allowlist)
    return key, secret


def revoke(key_id: int, *, actor: str) -> ApiKey:
    """Revoke a key: it stops working at once.

    Raises:
        NotFound: there is no such key.
    """
    key = _lock_key(key_id)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        audit.record("api_key.revoked", actor=actor, subject=f"api_key:{key.id}", name=key.name)
    return key


def rotate(key_id: int, *, actor: str, grace: timedelta = DEFAULT_GRACE) -> tuple[ApiKey, str]:
    """Create the successor of a key, with the same name, allowlist and lifetime; the old key works for ``grace``.

    Raises:
        NotFound: there is no such key.
        ApiKeyEnded: the key has expired or was revoked.
        Invalid: the grace period is negative or too long.
    """
    if not timedelta() <= grace <= MAX_GRACE:
        raise Invalid({"grace": [Message(N_("Use 0 to %(n)s hours."), n=MAX_GRACE.days * 24)]})
    old, now = _lock_key(key_id), clock.now()
    if old.revoked_at or (old.expires_at and old.expires_at <= now):
        raise ApiKeyEnded
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    key, secret = create(name=old.name, actor=actor, allowlist=old.allowlist, lifetime=lifetime)
    old.expires_at = min(now + grace, old.expires_at or now + grace)
    until = clock.iso(old.expires_at)
    audit.record("api_key.rotated", actor=actor, subject=f"api_key:{old.id}", by=key.id, old_key_until=until)
    return key, secret


def change_allowlist(key_id: int, allowlist: Sequence[str], *, actor: str) -> ApiKey:
    """Replace the allowlist of a key.

    Raises:
        NotFound: there is no such key.
        Invalid: an entry is neither an address nor a network.
    """
    key = _lock_key(key_id)
    before, key.allowlist = key.allowlist, ip_allowlist.parse_networks(allowlist)
    changed = {"allowlist": [before, key.allowlist]}
    audit.record("api_key.allowlist_changed", actor=actor, subject=f"api_key:{key.id}", changed=changed)
    return key


def list_keys() -> list[ApiKey]:
    """All keys, newest first."""
    return list(db.session.scalars(select(ApiKey).order_by(ApiKey.id.desc())))


def source(filters: Mapping[str, Any]) -> QuerySource:
    """The keys for a page; ``search`` is a part of the name."""
    query, search = select(ApiKey), filters.get("search")
    if search:
        query = query.where(contains_folded(ApiKey.name, search))
    return QuerySource(query, {"created": Order((ApiKey.id,))}, "-created")


def _lock_key(key_id: int) -> ApiKey:
    key: ApiKey | None = db.session.get(ApiKey, key_id, with_for_update=True)
    if key is None:
        raise NotFound
    return key


def _environment_key(secret: str) -> Principal | None:
    """Principal of a key in ``SALES_IMPORT_API_KEY``; all keys are compared, each in constant time."""
    digest = _hash(secret)
    matches = [key for key in current_app.config["SALES_IMPORT_API_KEYS"] if hmac.compare_digest(_hash(key), digest)]
    return _principal(f"env-{digest.hex()[:8]}", "SALES_IMPORT_API_KEY") if matches else None


def _stored_key(secret: str) -> Principal:
    key: ApiKey | None = db.session.scalar(select(ApiKey).where(ApiKey.key_hash == _hash(secret)))
    if key is None or key.revoked_at or (key.expires_at and key.expires_at <= clock.now()):
        raise InvalidApiKey
    if not ip_allowlist.is_allowed(key.allowlist, client_address()):
        raise AddressNotAllowed
    return _principal(str(key.id), key.name)


def _principal(key_id: str, name: str) -> Principal:
    return Principal(credential=f"api_key:{key_id}", abilities=API_KEY, name=name)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
