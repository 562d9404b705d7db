"""Guards of routes: ``@requires("ability")``, or ``@public`` for the few routes without authentication."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from app.accounts.errors import AddressNotAllowed, InvalidApiKey, InvalidToken, TokenExpired
from app.accounts.principals import Principal, authenticate
from app.accounts.roles import ABILITIES, API_KEY, ROLES
from app.accounts.tokens.rate_limits import with_rate_limits
from app.kernel.errors import Forbidden
from app.kernel.http.openapi import ABILITY, refuses

View = Callable[..., Any]
#: Areas for signed-in users only, by role; no key and no token can have them as abilities.
SIGNED_IN, SETTINGS, ADMINISTRATION = "signed in", "settings", "administration"
_ROLES_BY_AREA = {
    SIGNED_IN: frozenset(ROLES),
    SETTINGS: frozenset(ROLES) - {"warehouse"},
    ADMINISTRATION: frozenset({"admin"}),
}


def requires(ability: str) -> Callable[[View], View]:
    """Allow only callers with ``ability``, or signed-in users of the roles of an area such as ``SETTINGS``."""
    if ability not in {*ABILITIES, *_ROLES_BY_AREA}:
        raise ValueError(f"unknown ability {ability}")

    def guard(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if not allows(authenticate(), ability):
                raise Forbidden
            return view(*args, **kwargs)

        counted = with_rate_limits(checked, ability)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            unlimited = authenticate().calls_per_minute is None
            return (checked if unlimited else counted)(*args, **kwargs)

        keys = (InvalidApiKey,) if ability in API_KEY else ()
        return _mark_ability(refuses(InvalidToken, TokenExpired, AddressNotAllowed, *keys)(guarded), ability)

    return guard


def allows(principal: Principal, ability: str) -> bool:
    """Whether ``@requires(ability)`` allows ``principal``."""
    if ability in _ROLES_BY_AREA:
        return principal.signed_in and principal.role in _ROLES_BY_AREA[ability]
    return ability in principal.abilities


def require_caller(view: Any) -> None:
    """Authenticate the caller of a view that needs an ability.

    Raises:
        Refusal: no credential was sent, or it is wrong, expired or revoked.
    """
    if ability_of(view) is not None:
        authenticate()


def ability_of(view: Any) -> str | None:
    """Ability that a view requires; None for a public view."""
    ability: str | None = view.ability
    return ability


def module_of(view: Any) -> str | None:
    """Module that a view requires by ``modules.needs_module``, if any."""
    return getattr(view, "module", None)


def public(view: View) -> View:
    """Mark a view as callable without authentication."""

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
