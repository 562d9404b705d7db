"""Authentication by a scoped token in the ``Authorization`` header, with audit rows of refusals."""

from __future__ import annotations

import hmac
from datetime import timedelta

import structlog
from flask import g
from sqlalchemy import or_, select, update
from sqlalchemy.orm import joinedload

from app.accounts import audit
from app.accounts.credentials import ip_allowlist
from app.accounts.errors import InvalidToken, ScopedTokenAddressRefused, ScopedTokenExpired, ScopedTokenRefused
from app.accounts.models.tokens import AccessToken
from app.accounts.principals import Principal
from app.accounts.tokens.format import PREFIX, ParsedToken, parse_token
from app.accounts.tokens.service import effective_abilities
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Refusal
from app.kernel.http.bearer import bearer_token
from app.kernel.http.client_address import client_address

log = structlog.get_logger(__name__)

#: Repeated refusals of a token get one audit row per this period; the log has each attempt.
REFUSAL_RECORD_INTERVAL = timedelta(minutes=1)
_NO_HASH = b"\0" * 32


def authenticator() -> Principal | None:
    """Principal of an ``Authorization: Bearer ihub_…`` token; None when no such token was sent.

    Raises:
        InvalidToken: there is no such token.
        ScopedTokenRefused: the secret is wrong, the token is revoked, or its user is inactive.
        ScopedTokenExpired: the token has expired, or the grace period of its previous secret is over.
        ScopedTokenAddressRefused: the allowlist does not contain the address of the client.
    """
    value = bearer_token()
    if value is None or not value.startswith(PREFIX):
        return None
    parsed = parse_token(value)
    token = parsed and _find_token(parsed.public_id)
    if parsed is None or token is None:
        raise InvalidToken
    caller = _principal(token)
    if (refusal := _refusal(token, parsed)) is not None:
        raise refusal
    return caller


def _find_token(public_id: str) -> AccessToken | None:
    query = select(AccessToken).where(AccessToken.public_id == public_id).options(joinedload(AccessToken.user))
    found: AccessToken | None = db.session.scalar(query)
    return found


def _refusal(token: AccessToken, parsed: ParsedToken) -> Refusal | None:
    """Refusal of this token, if any, with its audit row; the reason is shown only to callers who know the secret."""
    current = hmac.compare_digest(token.secret_hash, parsed.secret_hash)
    previous = hmac.compare_digest(token.previous_hash or _NO_HASH, parsed.secret_hash)
    if not (current or previous):
        return _record_refusal(token, ScopedTokenRefused, "wrong secret")
    g.refused_caller = _principal(token)
    valid_until = token.expires_at if current else token.previous_until
    if token.revoked_at:
        return _record_refusal(token, ScopedTokenRefused, "revoked")
    if not token.user.is_active:
        return _record_refusal(token, ScopedTokenRefused, "user inactive")
    if valid_until is None or valid_until <= clock.now():
        return _record_refusal(token, ScopedTokenExpired, "expired" if current else "rotated")
    if not ip_allowlist.is_allowed(token.allowlist, client_address()):
        return _record_refusal(token, ScopedTokenAddressRefused, "address")
    return None


def _record_refusal(token: AccessToken, refusal: type[Refusal], reason: str) -> Refusal:
    now = clock.now()
    log.warning("token_refused", token=token.id, reason=reason, address=client_address())
    not_recent = or_(AccessToken.refused_at.is_(None), AccessToken.refused_at <= now - REFUSAL_RECORD_INTERVAL)
    statement = update(AccessToken).where(AccessToken.id == token.id, not_recent).values(refused_at=now)
    if db.session.scalar(statement.returning(AccessToken.id)):
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
