"""Who is calling: every kind of credential becomes one ``Principal`` with a set of abilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

import structlog
from flask import g, request

from app.kernel.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller; ``credential`` names what it used (``user:3``, ``token:5``, ``api_key:7``), never the secret itself."""

    credential: str
    abilities: frozenset[str]
    name: str
    user_id: int | None = None
    role: str | None = None
    #: A user in person, who may do what no credential given to a machine may: change the account itself.
    signed_in: bool = False
    #: The session that let a user in, by its id: what ends it ends the streams that it opened.
    session: str | None = None
    #: How often it may call, if that is limited; reports of a provider's status count by themselves as well.
    calls_per_minute: int | None = None
    status_calls_per_minute: int | None = None

    @property
    def sees_everything(self) -> bool:
        return self.role == "admin"


#: Looks at the request; None when its kind of credential was not sent. Raises when it was and is wrong.
Authenticator = Callable[[], Principal | None]
#: In order of precedence; filled in ``create_app()``.
authenticators: list[Authenticator] = []


def authenticate() -> Principal:
    """The caller of the present request.

    Raises:
        Unauthenticated: nothing was sent, or it was wrong, expired or revoked.
    """
    if known := resolved_caller():
        return known
    for authenticator in authenticators:
        principal = authenticator()
        if principal:
            g.principal = principal
            structlog.contextvars.bind_contextvars(credential=principal.credential)
            return principal
    raise Unauthenticated


def resolved_caller() -> Principal | None:
    """Who is calling, once that was asked; Flask-Limiter looks at its limits before it may be."""
    known: Principal | None = g.get("principal")
    return known


def client_address() -> str | None:
    """The address of the caller; a proxy's word counts only where proxies are configured.

    None when there is none (a Unix socket) or a proxy passed on something else (``unknown``). IPv4 that came in
    over an IPv6 socket is IPv4.
    """
    try:
        # Without the zone (``fe80::1%eth0``): it means something on one machine only, and has no limit in length.
        address = ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
