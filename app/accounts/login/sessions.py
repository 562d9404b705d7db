"""Login sessions of API users: access tokens (1 h), refresh tokens (used once), logout and revocation."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app, g
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import ExpiredSignatureError, PyJWTError
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts import audit
from app.accounts.errors import InvalidToken, TokenExpired, TokenReused, WrongPassword
from app.accounts.login import login_limits, passwords
from app.accounts.models.accounts import LoginSession, User
from app.accounts.principals import Principal, authenticate
from app.accounts.roles import ROLES
from app.accounts.users import find_user
from app.extensions import db
from app.kernel import clock
from app.kernel.http.bearer import bearer_token
from app.kernel.unit_of_work import commit_early

SESSION_CLAIM = "sid"


def log_in(email: str, password: str) -> dict[str, Any]:
    """Open a session.

    Raises:
        WrongPassword: for an unknown address, a wrong password and a deactivated user alike.
    """
    return open_session(verify_credentials(email, password))


def verify_credentials(email: str, password: str) -> User:
    """Find the active user with this address and password.

    Raises:
        WrongPassword: for an unknown address, a wrong password and a deactivated user alike.
    """
    user = find_user(email)
    commit_early()  # the check takes long and waits for its turn; meanwhile it holds no connection
    stored = user.password_hash if user else passwords.NO_PASSWORD
    if not passwords.verify_password(stored, password) or not user or not user.is_active:
        # The input is not stored: people sometimes type their password into the wrong field.
        audit.record("session.refused", actor="anybody", subject=f"user:{user.id}" if user else "user:unknown")
        raise WrongPassword
    login_limits.give_back()
    login_limits.remember_network(user)
    return user


def open_session(user: User) -> dict[str, Any]:
    """Open a session for an authenticated user and return its tokens."""
    user.last_login_at = clock.now()
    session = LoginSession(id=uuid.uuid4(), user_id=user.id, user=user)
    tokens = _issue_tokens(session)
    db.session.add(session)
    audit.record("session.opened", actor=f"user:{user.id}", subject=f"session:{session.id}")
    return tokens


def refresh(token: str) -> dict[str, Any]:
    """Exchange a refresh token for new tokens; it works once (RFC 9700, section 4.14.2).

    A second use means that somebody copied the token: the whole session ends.

    Raises:
        InvalidToken: this hub did not issue the token, or its session has ended.
        TokenReused: the token was used before.
        TokenExpired: the lifetime of the token is over.
    """
    claims = _decode_token(token, "refresh")
    session = _find_session(claims, lock=True)
    if session is None or session.revoked_at or not session.user.is_active:
        raise InvalidToken
    if claims["jti"] != session.current_jti:
        end_session(session, "refresh token reused")
        raise TokenReused
    login_limits.give_back()
    return _issue_tokens(session)


def log_out() -> None:
    """End the session of the current access token; its tokens stop working at once."""
    session_id = authenticate().session
    session = db.session.get(LoginSession, uuid.UUID(session_id), with_for_update=True) if session_id else None
    if session and not session.revoked_at:
        end_session(session, "signed out")


def authenticator() -> Principal | None:
    """Principal of an ``Authorization: Bearer`` access token; None when there is no such header.

    Raises:
        InvalidToken: the token is not valid, or its session has ended.
        TokenExpired: the lifetime of the token is over.
    """
    token = bearer_token()
    if token is None:
        return None
    session = _find_session(_decode_token(token, "access"))
    if session is None or session.revoked_at or not session.user.is_active:
        raise InvalidToken
    g.user = session.user
    return principal_of(session.user, session)


def principal_of(user: User, session: LoginSession | None = None) -> Principal:
    """Principal of a signed-in user, with the abilities of the role."""
    return Principal(
        credential=f"user:{user.id}",
        abilities=ROLES[user.role],
        name=user.name,
        user_id=user.id,
        role=user.role,
        signed_in=True,
        session=str(session.id) if session else None,
    )


def _issue_tokens(session: LoginSession) -> dict[str, Any]:
    claims = {SESSION_CLAIM: str(session.id)}
    identity = str(session.user.id)
    refresh_token = create_refresh_token(identity, additional_claims=claims)
    session.current_jti = decode_token(refresh_token)["jti"]
    session.expires_at = clock.now() + current_app.config["JWT_REFRESH_TOKEN_EXPIRES"]
    return {
        "access": create_access_token(identity, additional_claims=claims),
        "refresh": refresh_token,
        "expires_in": int(current_app.config["JWT_ACCESS_TOKEN_EXPIRES"].total_seconds()),
    }


def end_session(session: LoginSession, reason: str) -> None:
    """Revoke a session in the current transaction."""
    session.revoked_at, session.revoked_because = clock.now(), reason
    audit.record("session.ended", actor=f"user:{session.user_id}", subject=f"session:{session.id}", because=reason)


def _decode_token(token: str, kind: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = decode_token(token)
    except ExpiredSignatureError as error:
        raise TokenExpired from error
    except (JWTExtendedException, PyJWTError) as error:
        raise InvalidToken from error
    if claims.get("type") != kind:
        raise InvalidToken
    return claims


def _find_session(claims: dict[str, Any], *, lock: bool = False) -> LoginSession | None:
    if SESSION_CLAIM not in claims:
        return None
    query = (
        select(LoginSession)
        .where(LoginSession.id == uuid.UUID(claims[SESSION_CLAIM]))
        .options(joinedload(LoginSession.user))
    )
    found: LoginSession | None = db.session.scalar(query.with_for_update(of=LoginSession) if lock else query)
    return found
