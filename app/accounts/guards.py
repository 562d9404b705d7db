"""The guard on every route: ``@requires("ability")``, or ``@public`` for the few that anybody may call."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from app.accounts.abilities import ABILITIES, API_KEY
from app.accounts.errors import AddressNotAllowed, InvalidApiKey, InvalidToken, TokenExpired
from app.accounts.principals import authenticate
from app.accounts.rates import limited
from app.kernel.errors import Forbidden
from app.kernel.openapi import ABILITY, refuses

View = Callable[..., Any]
SIGNED_IN = "signed in"


def requires(ability: str) -> Callable[[View], View]:
    """Let only callers with ``ability`` in; ``SIGNED_IN`` asks for a user in person, with whatever role."""
    if ability not in {*ABILITIES, SIGNED_IN}:
        raise ValueError(f"unknown ability {ability}")

    def guard(view: View) -> View:
        @wraps(view)
        def allowed(*args: Any, **kwargs: Any) -> Any:
            principal = authenticate()
            able = principal.signed_in if ability == SIGNED_IN else ability in principal.abilities
            if not able:
                raise Forbidden
            return view(*args, **kwargs)

        counted = limited(allowed, ability)

        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            unlimited = authenticate().calls_per_minute is None
            return (allowed if unlimited else counted)(*args, **kwargs)

        keys = (InvalidApiKey,) if ability in API_KEY else ()
        return _marked(refuses(InvalidToken, TokenExpired, AddressNotAllowed, *keys)(guarded), ability)

    return guard


def public(view: View) -> View:
    """Let anybody in, and say so."""

    @wraps(view)
    def opened(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return _marked(opened, None)


def _marked(view: Any, ability: str | None) -> View:
    view.ability = ability
    docs = dict(getattr(view, "_apidoc", {}))
    docs["manual_doc"] = {**docs.get("manual_doc", {}), ABILITY: ability}
    view._apidoc = docs
    marked: View = view
    return marked
