"""The token of an ``Authorization`` header as a caller, or why it may not be one."""

from __future__ import annotations

import hmac
from datetime import timedelta

import structlog
from flask import g, request
from sqlalchemy import or_, select, update
from sqlalchemy.orm import joinedload

from app.accounts import audit, ip_allowlist
from app.accounts.errors import InvalidToken, ScopedTokenAddressRefused, ScopedTokenExpired, ScopedTokenRefused
from app.accounts.models.tokens import AccessToken
from app.accounts.principals import Principal, client_address
from app.accounts.tokens.format import PREFIX, ParsedToken, parse_token
from app.accounts.tokens.service import effective_abilities
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Refusal

log = structlog.get_logger(__name__)

#: A token that somebody tries again and again is written down once in this time; the log has each attempt.
REFUSAL_RECORD_INTERVAL = timedelta(minutes=1)
_NO_HASH = b"\0" * 32


def authenticator() -> Principal | None:
    """The holder of an ``Authorization: Bearer ihub_…`` token.

    Raises:
        InvalidToken: no such token.
        ScopedTokenRefused: revoked, or its user is inactive.
        ScopedTokenExpired: its time is over, or that of a secret that was rotated away.
        ScopedTokenAddressRefused: it may not be used from here.
    """
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value.strip().startswith(PREFIX):
        return None
    given = parse_token(value.strip())
    token = given and _find_token(given.public_id)
    if given is None or token is None:
        raise InvalidToken
    caller = _principal(token)
    if (refusal := _refusal(token, given)) is not None:
        raise refusal
    return caller


def _find_token(public_id: str) -> AccessToken | None:
    query = select(AccessToken).where(AccessToken.public_id == public_id).options(joinedload(AccessToken.user))
    found: AccessToken | None = db.session.scalar(query)
    return found


def _refusal(token: AccessToken, given: ParsedToken) -> Refusal | None:
    """Why this token may not be used now, written down; only who knows the secret is told more than ``invalid``."""
    current = hmac.compare_digest(token.secret_hash, given.secret_hash)
    before = hmac.compare_digest(token.previous_hash or _NO_HASH, given.secret_hash)
    if not (current or before):
        return _record_refusal(token, ScopedTokenRefused, "wrong secret")
    g.refused_caller = _principal(token)
    until = token.expires_at if current else token.previous_until
    if token.revoked_at:
        return _record_refusal(token, ScopedTokenRefused, "revoked")
    if not token.user.is_active:
        return _record_refusal(token, ScopedTokenRefused, "user inactive")
    if until is None or until <= clock.now():
        return _record_refusal(token, ScopedTokenExpired, "expired" if current else "rotated")
    if not ip_allowlist.is_allowed(token.allowlist, client_address()):
        return _record_refusal(token, ScopedTokenAddressRefused, "address")
    return None


def _record_refusal(token: AccessToken, refusal: type[Refusal], reason: str) -> Refusal:
    moment = clock.now()
    log.warning("token_refused", token=token.id, reason=reason, address=client_address())
    quiet = or_(AccessToken.refused_at.is_(None), AccessToken.refused_at <= moment - REFUSAL_RECORD_INTERVAL)
    mine = update(AccessToken).where(AccessToken.id == token.id, quiet).values(refused_at=moment)
    if db.session.scalar(mine.returning(AccessToken.id)):
        audit.record("token.refused", actor="anybody", subject=f"token:{token.id}", reason=reason, name=token.name)
    return refusal()


def _principal(token: AccessToken) -> Principal:
    return Principal(
        credential=f"token:{token.id}",
        abilities=effective_abilities(token),
        name=token.user.name,
        user_id=token.user_id,
        role=token.user.role,
        calls_per_minute=token.calls_per_minute,
        status_calls_per_minute=token.status_calls_per_minute,
    )
