"""A browser's session: a signed cookie that names a row, so that whatever ends the row ends the session at once."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from flask import current_app, g, request, session
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts import audit, sessions
from app.accounts.models.accounts import LoginSession, User
from app.accounts.principals import Principal
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Unauthenticated
from app.kernel.http.app import is_page

_COOKIE_KEY = "sid"
#: How old the end of a session may be before it is moved.
_EXTENSION_INTERVAL = timedelta(minutes=5)
#: Endpoints that a browser may also open by its session; it sends the cookie whoever asks it to, so reading only.
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
    """Give the present browser a new session of ``user``; what it carried before is forgotten."""
    number = uuid.uuid4()
    user.last_login_at = clock.now()
    # No refresh token exists, so none can be exchanged: the name of the one that counts is nobody's.
    row = LoginSession(id=number, user_id=user.id, user=user, current_jti=str(uuid.uuid4()), expires_at=_new_expiry())
    db.session.add(row)
    audit.record("session.opened", actor=f"user:{user.id}", subject=f"session:{number}", browser=True)
    session.clear()
    session[_COOKIE_KEY] = str(number)


def sign_out() -> None:
    """End the present browser session; the cookie is worth nothing from now on, wherever it was copied to."""
    row = _current_session()
    if row is not None:
        sessions.end_session(row, "signed out")
    session.clear()


def page_authenticator() -> Principal | None:
    """The user of a page; on pages no other credential counts.

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
    """The user of a browser that opens a stream; asked last, when nothing else was sent."""
    if request.method != "GET" or request.endpoint not in stream_endpoints:
        return None
    return _session_user()


def _session_user() -> Principal | None:
    row = _current_session()
    if row is None:
        return None
    if row.expires_at < _new_expiry() - _EXTENSION_INTERVAL:
        row.expires_at = _new_expiry()
    g.user = row.user
    return sessions.principal_of(row.user, row)


def _current_session() -> LoginSession | None:
    number = session.get(_COOKIE_KEY)
    if number is None:
        return None
    query = select(LoginSession).where(LoginSession.id == uuid.UUID(number)).options(joinedload(LoginSession.user))
    row: LoginSession | None = db.session.scalar(query)
    if row is None or row.revoked_at or row.expires_at <= clock.now() or not row.user.is_active:
        return None
    return row


def _new_expiry() -> datetime:
    lifetime: timedelta = current_app.config["WEB_SESSION_LIFETIME"]
    return clock.now() + lifetime
