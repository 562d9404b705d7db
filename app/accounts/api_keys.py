"""API keys for sales imports: several valid at once, each revocable, optionally tied to addresses."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address, ip_network

from flask import current_app, request
from sqlalchemy import or_, select, update

from app.accounts import audit
from app.accounts.abilities import API_KEY
from app.accounts.errors import AddressNotAllowed, InvalidApiKey
from app.accounts.models import ApiKey
from app.accounts.naming import NAME_RULE, is_name
from app.accounts.principals import Principal, peer_address
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid, NotFound

HEADER = "X-API-KEY"
#: How old ``last_used_at`` may be before it is written again.
LAST_USED_STEP = timedelta(minutes=5)
_PREFIX_LENGTH = 8


def authenticator() -> Principal | None:
    """The holder of the key in ``X-API-KEY``.

    Raises:
        InvalidApiKey: unknown, expired or revoked.
        AddressNotAllowed: the key may not be used from here.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    return _of_the_environment(given) or _of_the_database(given)


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
        allowlist=[_network(entry) for entry in allowlist],
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
    key: ApiKey | None = db.session.get(ApiKey, key_id, with_for_update=True)
    if key is None:
        raise NotFound
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        audit.record("api_key.revoked", actor=actor, subject=f"api_key:{key.id}", name=key.name)
    return key


def list_keys() -> list[ApiKey]:
    """All keys, newest first."""
    return list(db.session.scalars(select(ApiKey).order_by(ApiKey.id.desc())))


def _of_the_environment(given: str) -> Principal | None:
    """A key of ``SALES_IMPORT_API_KEY``; every one is compared, each in constant time."""
    digest = _hash(given)
    found = [key for key in current_app.config["SALES_IMPORT_API_KEYS"] if hmac.compare_digest(_hash(key), digest)]
    return _principal(f"env-{digest.hex()[:8]}", "SALES_IMPORT_API_KEY") if found else None


def _of_the_database(given: str) -> Principal:
    key: ApiKey | None = db.session.scalar(select(ApiKey).where(ApiKey.key_hash == _hash(given)))
    moment = clock.now()
    if key is None or key.revoked_at or (key.expires_at and key.expires_at <= moment):
        raise InvalidApiKey
    address = peer_address()
    if key.allowlist and not _allowed(key.allowlist, address):
        raise AddressNotAllowed
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < moment - LAST_USED_STEP)
    if key.last_used_at is None or key.last_used_at < moment - LAST_USED_STEP:
        db.session.execute(
            update(ApiKey).where(ApiKey.id == key.id, stale).values(last_used_at=moment, last_used_address=address)
        )
    return _principal(str(key.id), key.name)


def _principal(number: str, name: str) -> Principal:
    return Principal(credential=f"api_key:{number}", abilities=API_KEY, name=name)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _network(entry: str) -> str:
    try:
        network = ip_network(entry.strip(), strict=False)
    except ValueError as error:
        raise Invalid({"allowlist": [f"{entry!r} is neither an address nor a network."]}) from error
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    # IPv4 is compared as IPv4, however it was written or came in; ::ffff:0:0/96 is all of it.
    return f"{mapped}/{network.prefixlen - 96}" if mapped and network.prefixlen >= 96 else str(network)  # noqa: PLR2004


def _allowed(allowlist: Sequence[str], address: str | None) -> bool:
    if address is None:
        return False
    return any(ip_address(address) in ip_network(entry) for entry in allowlist)
