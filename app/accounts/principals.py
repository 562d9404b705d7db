"""Principals: every kind of credential of a request becomes one ``Principal`` with a set of abilities."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog
from flask import g

from app.kernel.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller; ``credential`` is the kind and id (``user:3``, ``token:5``, ``api_key:7``), never the secret."""

    credential: str
    abilities: frozenset[str]
    name: str
    user_id: int | None = None
    role: str | None = None
    #: A user in person, not a token or key: only then may the account itself be changed.
    signed_in: bool = False
    #: Id of the login session; when the session ends, the streams that it opened end too.
    session: str | None = None
    #: Rate limits per minute, if any; reports of a provider's status also have a limit of their own.
    calls_per_minute: int | None = None
    status_calls_per_minute: int | None = None

    @property
    def sees_everything(self) -> bool:
        """Whether the caller sees the rows of all users."""
        return self.role == "admin"


#: Reads one kind of credential from the request: returns None when it was not sent, raises when it is wrong.
Authenticator = Callable[[], Principal | None]
#: In order of precedence; filled in ``create_app()``.
authenticators: list[Authenticator] = []


def authenticate() -> Principal:
    """Principal of the current request; it is resolved once.

    Raises:
        Unauthenticated: no credential was sent, or it is wrong, expired or revoked.
    """
    if resolved := resolved_caller():
        return resolved
    for authenticator in authenticators:
        principal = authenticator()
        if principal:
            g.principal = principal
            structlog.contextvars.bind_contextvars(credential=principal.credential)
            return principal
    raise Unauthenticated


def resolved_caller() -> Principal | None:
    """Principal of the current request if it is resolved already; Flask-Limiter may ask before that."""
    resolved: Principal | None = g.get("principal")
    return resolved


def caller_name() -> str | None:
    """The user of the current request with all credentials, or the credential of no user; None for nobody known."""
    caller = resolved_caller()
    if caller is None:
        return None
    return caller.credential if caller.user_id is None else f"user:{caller.user_id}"


def credential_ids(kind: str, credentials: Collection[str]) -> list[int]:
    """Row ids of the credentials of one kind (``user``, ``token``, ``api_key``)."""
    parts = (credential.partition(":") for credential in credentials)
    return [int(row_id) for found, _, row_id in parts if found == kind and row_id.isdigit()]
