"""Caller of the present request as services take it: owner id, scope of rows, name in the audit trail."""

from __future__ import annotations

from app.accounts.principals import authenticate
from app.kernel.errors import Forbidden

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


def scope() -> Scope:
    """Scope of the caller: all rows for an administrator, else the caller's own.

    Raises:
        Forbidden: the credential belongs to no user.
    """
    return None if authenticate().sees_everything else owner_id()


def actor() -> str:
    """Credential of the caller, by which the audit trail names who acted."""
    return authenticate().credential
