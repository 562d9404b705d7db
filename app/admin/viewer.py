"""Who looks at a page, in which language and which theme; read once, so that an error page asks nobody anything."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from flask import current_app, g, request, session
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import modules
from app.accounts.guards import SIGNED_IN, ability_of, allows, module_of
from app.accounts.principals import Principal, authenticate
from app.kernel.errors import Refusal
from app.languages import LANGUAGES, SOURCE

log = structlog.get_logger(__name__)

THEMES = ("auto", "light", "dark")
_LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in user, as plain facts that outlive a transaction that was rolled back."""

    principal: Principal
    email: str
    language: str | None
    theme: str
    modules: frozenset[str]

    @property
    def name(self) -> str:
        return self.principal.name

    @property
    def role(self) -> str:
        return self.principal.role or ""

    def may(self, ability: str) -> bool:
        return allows(self.principal, ability)

    def may_open(self, endpoint: str) -> bool:
        """Whether a page lets the viewer in: by its ability, and by its module if it asks for one."""
        view = current_app.view_functions[endpoint]
        module = module_of(view)
        return self.may(ability_of(view) or SIGNED_IN) and (module is None or module in self.modules)


def viewer() -> Viewer | None:
    """The viewer of the present page, or nobody."""
    if "viewer" not in g:
        g.viewer = _recognised()
    found: Viewer | None = g.viewer
    return found


def _recognised() -> Viewer | None:
    try:
        principal = authenticate()
        enabled = modules.enabled_for(principal.user_id or 0)
    except Refusal:
        return None
    except SQLAlchemyError as error:
        log.warning("viewer_unknown", error_kind=type(error).__name__)
        return None
    return Viewer(principal, g.user.email, g.user.language, g.user.theme, enabled)


def language() -> str:
    """The user's choice, then what this browser chose before signing in, then what the browser asks for."""
    known = viewer()
    chosen = (known and known.language) or session.get(_LANGUAGE)
    return chosen or request.accept_languages.best_match(LANGUAGES) or SOURCE


def theme() -> str:
    """``auto`` follows the system."""
    known = viewer()
    return known.theme if known else "auto"


def choose_language(code: str) -> None:
    """Remember the language of a browser that nobody is signed in with."""
    session[_LANGUAGE] = code
