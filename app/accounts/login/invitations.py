"""Invitations: links with which users set their password once; by them an administrator never knows a password."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.accounts import audit, users
from app.accounts.errors import InactiveUser, UnknownInvitation
from app.accounts.models.accounts import User
from app.accounts.models.login_attempts import Invitation
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import PAGES

LIFETIME = timedelta(days=7)
#: The same beginning as that of scoped tokens, by which log lines are masked.
_PREFIX, _TOKEN_BYTES = "ihub_inv_", 16


def invite(user: User, *, actor: str) -> str:
    """Create the invitation of a user and return its token; an earlier invitation stops working.

    The present password works until the user has set a new one.

    Raises:
        InactiveUser: the user is inactive.
    """
    if not user.is_active:
        raise InactiveUser
    token = _PREFIX + secrets.token_hex(_TOKEN_BYTES)
    expires_at = clock.now() + LIFETIME
    values = {"token_hash": _hash(token), "expires_at": expires_at}
    added = insert(Invitation).values(user_id=user.id, **values)
    db.session.execute(added.on_conflict_do_update(index_elements=["user_id"], set_=values))
    audit.record("user.invited", actor=actor, subject=f"user:{user.id}", expires_at=clock.iso(expires_at))
    return token


def path(token: str) -> str:
    """Path of the page on which the user sets the password."""
    return f"{PAGES}/invitation/{token}"


def find_invited(token: str) -> User:
    """The user of a valid invitation.

    Raises:
        UnknownInvitation: the token is unknown, was used or replaced, or has expired, or its user is inactive.
    """
    query = select(User).join(Invitation, Invitation.user_id == User.id)
    valid = Invitation.token_hash == _hash(token), Invitation.expires_at > clock.now(), User.is_active
    user: User | None = db.session.scalar(query.where(*valid))
    if user is None:
        raise UnknownInvitation
    return user


def accept(token: str, password: str) -> User:
    """Set the password of the invited user; the invitation ends. Of two that accept at once one is refused.

    Raises:
        UnknownInvitation: the token is unknown, was used or replaced, or has expired, or its user is inactive.
        Invalid: the password is too short or too long; the invitation stays.
    """
    user = find_invited(token)
    users.require_valid_password(password)
    used = delete(Invitation).where(Invitation.token_hash == _hash(token)).returning(Invitation.user_id)
    if db.session.scalar(used) is None:
        raise UnknownInvitation
    users.change_password(user, password, actor=f"user:{user.id}")
    audit.record("user.invitation_accepted", actor=f"user:{user.id}", subject=f"user:{user.id}")
    return user


def invited_among(found: list[User]) -> set[int]:
    """Ids of the users that have a valid invitation."""
    query = select(Invitation.user_id).where(Invitation.expires_at > clock.now())
    return set(db.session.scalars(query.where(Invitation.user_id.in_([user.id for user in found]))))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
