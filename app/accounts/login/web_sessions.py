"""Browser sessions: a signed cookie with the id of a ``login_sessions`` row; revoking the row ends the session."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from flask import current_app, g, request, session
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts import audit
from app.accounts.login import sessions
from app.accounts.models.accounts import LoginSession, User
from app.accounts.principals import Principal
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Unauthenticated
from app.kernel.http.app import is_page

_COOKIE_KEY = "sid"
#: Minimum time between two extensions of a session.
_EXTENSION_INTERVAL = timedelta(minutes=5)
#: Stream endpoints that accept the session cookie. They only read: a foreign site can make the browser send the cookie.
stream_endpoints: set[str] = set()


def sign_in(email: str, password: str) -> User:
    """Open a browser session.

    Raises:
        WrongPassword: for an unknown address, a wrong password and a deactivated user alike.
    """
    user = sessions.verify_credentials(email, password)
    open_session(user)
    return user


def open_session(user: User) -> None:
    """Open a new session of ``user`` in the current browser and drop the data of the previous one."""
    session_id = uuid.uuid4()
    user.last_login_at = clock.now()
    # A browser session has no refresh token: a random ``jti`` belongs to no token.
    row = LoginSession(
        id=session_id, user_id=user.id, user=user, current_jti=str(uuid.uuid4()), expires_at=_new_expiry()
    )
    db.session.add(row)
    audit.record("session.opened", actor=f"user:{user.id}", subject=f"session:{session_id}", browser=True)
    session.clear()
    session[_COOKIE_KEY] = str(session_id)


def sign_out() -> None:
    """End the current browser session; copies of its cookie stop working too."""
    row = _current_session()
    if row is not None:
        sessions.end_session(row, "signed out")
    session.clear()


def page_authenticator() -> Principal | None:
    """Principal of a page request; pages accept no other credential than the session cookie.

    Raises:
        Unauthenticated: there is no session, or it has ended.
    """
    if not is_page(request.path):
        return None
    principal = _session_user()
    if principal is None:
        raise Unauthenticated
    return principal


def stream_authenticator() -> Principal | None:
    """Principal of a browser that opens a stream; it is tried last, when no other credential was sent."""
    if request.method != "GET" or request.endpoint not in stream_endpoints:
        return None
    return _session_user()


def user_of_cookie() -> int | None:
    """Id of the user whose session the cookie names, also when the session has ended; it proves no rights."""
    session_id = session.get(_COOKIE_KEY)
    if session_id is None:
        return None
    user_id: int | None = db.session.scalar(
        select(LoginSession.user_id).where(LoginSession.id == uuid.UUID(session_id))
    )
    return user_id


def _session_user() -> Principal | None:
    row = _current_session()
    if row is None:
        return None
    if row.expires_at < _new_expiry() - _EXTENSION_INTERVAL:
        row.expires_at = _new_expiry()
    g.user = row.user
    return sessions.principal_of(row.user, row)


def _current_session() -> LoginSession | None:
    session_id = session.get(_COOKIE_KEY)
    if session_id is None:
        return None
    query = select(LoginSession).where(LoginSession.id == uuid.UUID(session_id)).options(joinedload(LoginSession.user))
    row: LoginSession | None = db.session.scalar(query)
    if row is None or row.revoked_at or row.expires_at <= clock.now() or not row.user.is_active:
        return None
    return row


def _new_expiry() -> datetime:
    lifetime: timedelta = current_app.config["WEB_SESSION_LIFETIME"]
    return clock.now() + lifetime
