"""Caller of the present request as services take it: owner id, scope of rows, name in the audit trail."""

from __future__ import annotations

from sqlalchemy import select

from app.accounts.models.accounts import User
from app.accounts.principals import authenticate
from app.extensions import db
from app.kernel.errors import Forbidden, NotFound

#: Rows that a service may read or change: those of the user with this id, or those of all users (None).
Scope = int | None


def owner_id() -> int:
    """Id of the user who will own what the caller creates.

    Raises:
        Forbidden: the credential belongs to no user, as an import key does.
    """
    caller = authenticate()
    if caller.user_id is None:
        raise Forbidden
    return caller.user_id


def lock_user(user_id: int) -> None:
    """Lock the user until the commit, so that two requests cannot both take the last place of a quota."""
    db.session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))


def scope() -> Scope:
    """Scope of the caller: all rows for an administrator, else the caller's own.

    Raises:
        Forbidden: the credential belongs to no user.
    """
    return None if authenticate().sees_everything else owner_id()


def actor() -> str:
    """Credential of the caller, by which the audit trail names who acted."""
    return authenticate().credential


def may_allow() -> bool:
    """Whether the caller may allow addresses that are not public: an admin in person, not a token."""
    caller = authenticate()
    return caller.sees_everything and caller.signed_in


def chosen_owner(user_id: int | None) -> int:
    """The user whose rows are read: the caller, or for an administrator the user with ``user_id``.

    Raises:
        Forbidden: the credential belongs to no user.
        NotFound: the user does not exist, or the caller may not read the user's rows.
    """
    caller = owner_id()
    if user_id is None or user_id == caller:
        return caller
    if scope() is not None or db.session.get(User, user_id) is None:
        raise NotFound
    return user_id
