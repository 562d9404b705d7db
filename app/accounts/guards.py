"""The guard on every route: ``@requires("ability")``, or ``@public`` for the few that anybody may call."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from app.accounts.errors import AddressNotAllowed, InvalidApiKey, InvalidToken, TokenExpired
from app.accounts.principals import Principal, authenticate
from app.accounts.roles import ABILITIES, API_KEY, ROLES
from app.accounts.token_rate_limits import with_rate_limits
from app.kernel.errors import Forbidden
from app.kernel.http.openapi import ABILITY, refuses

View = Callable[..., Any]
#: What no key or token can be given: it goes by the role of whoever is signed in.
SIGNED_IN, SETTINGS, ADMINISTRATION = "signed in", "settings", "administration"
_ROLES_BY_AREA = {
    SIGNED_IN: frozenset(ROLES),
    SETTINGS: frozenset(ROLES) - {"warehouse"},
    ADMINISTRATION: frozenset({"admin"}),
}


def requires(ability: str) -> Callable[[View], View]:
    """Let only callers with ``ability`` in; ``SIGNED_IN`` and its siblings ask for a user in person, of a role."""
    if ability not in {*ABILITIES, *_ROLES_BY_AREA}:
        raise ValueError(f"unknown ability {ability}")

    def guard(view: View) -> View:
        @wraps(view)
        def allowed(*args: Any, **kwargs: Any) -> Any:
            if not allows(authenticate(), ability):
                raise Forbidden
            return view(*args, **kwargs)

        counted = with_rate_limits(allowed, ability)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            unlimited = authenticate().calls_per_minute is None
            return (allowed if unlimited else counted)(*args, **kwargs)

        keys = (InvalidApiKey,) if ability in API_KEY else ()
        return _mark_ability(refuses(InvalidToken, TokenExpired, AddressNotAllowed, *keys)(guarded), ability)

    return guard


def allows(principal: Principal, ability: str) -> bool:
    """Whether ``principal`` gets past ``@requires(ability)``."""
    if ability in _ROLES_BY_AREA:
        return principal.signed_in and principal.role in _ROLES_BY_AREA[ability]
    return ability in principal.abilities


def ability_of(view: Any) -> str | None:
    """What a view requires; None when anybody may call it."""
    ability: str | None = view.ability
    return ability


def module_of(view: Any) -> str | None:
    """The module that a view asks for behind its ability, if it does (``modules.needs_module``)."""
    return getattr(view, "module", None)


def public(view: View) -> View:
    """Let anybody in, and say so."""

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return _mark_ability(opened, None)


def _mark_ability(view: Any, ability: str | None) -> View:
    view.ability = ability
    docs = dict(getattr(view, "_apidoc", {}))
    docs["manual_doc"] = {**docs.get("manual_doc", {}), ABILITY: ability}
    view._apidoc = docs
    marked: View = view
    return marked
