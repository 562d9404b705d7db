"""Viewer of a page, with language and theme; loaded once per request, so that an error page needs no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog
from flask import current_app, g, request, session
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import modules
from app.accounts.guards import SIGNED_IN, ability_of, allows, module_of
from app.accounts.principals import Principal, authenticate
from app.kernel import time_zones
from app.kernel.errors import Refusal
from app.languages import LANGUAGES, SOURCE

log = structlog.get_logger(__name__)

THEMES = ("auto", "light", "dark")
_SESSION_KEY = "language"
#: Cookie in which a script tells the time zone of the browser.
_ZONE_COOKIE = "time_zone"
INDIA = "en-IN"
_INDIAN_ZONES = ("Asia/Kolkata", "Asia/Calcutta")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Signed-in user as plain values, which stay readable after a rollback."""

    principal: Principal
    email: str
    language: str | None
    theme: str
    time_zone: str | None
    modules: frozenset[str]
    #: List -> names of the columns that the user chose.
    list_columns: Mapping[str, Sequence[str]]

    @property
    def name(self) -> str:
        return self.principal.name

    @property
    def role(self) -> str:
        return self.principal.role or ""

    def may(self, ability: str) -> bool:
        return allows(self.principal, ability)

    def may_open(self, endpoint: str) -> bool:
        """Whether the viewer has the ability and the module that a page requires."""
        view = current_app.view_functions[endpoint]
        module = module_of(view)
        return self.may(ability_of(view) or SIGNED_IN) and (module is None or module in self.modules)


def viewer() -> Viewer | None:
    """Viewer of the present page; None without a valid session."""
    if "viewer" not in g:
        g.viewer = _load_viewer()
    loaded: Viewer | None = g.viewer
    return loaded


def _load_viewer() -> Viewer | None:
    try:
        principal = authenticate()
        enabled = modules.enabled_for(principal.user_id or 0)
    except Refusal:
        return None
    except SQLAlchemyError as error:
        log.warning("viewer_unknown", error_kind=type(error).__name__)
        return None
    return Viewer(
        principal, g.user.email, g.user.language, g.user.theme, g.user.time_zone, enabled, g.user.list_columns or {}
    )


def language() -> str:
    """Language of the pages: the user's choice, else the choice before sign-in, else the browser's preference."""
    known = viewer()
    chosen = (known and known.language) or session.get(_SESSION_KEY)
    return chosen or request.accept_languages.best_match(LANGUAGES) or SOURCE


def time_zone() -> ZoneInfo | None:
    """Time zone of the pages: the user's choice, else that of the browser; None if a script has not told it yet."""
    known = viewer()
    return time_zones.find((known and known.time_zone) or request.cookies.get(_ZONE_COOKIE, ""))


def local_zone() -> ZoneInfo:
    """The time zone in which the pages show and read times."""
    return time_zone() or time_zones.of_installation()


def region() -> str:
    """Language of the page, with the region if it changes dates and numbers: ``en-IN`` for English in India."""
    preferred = request.accept_languages.best or ""
    in_india = local_zone().key in _INDIAN_ZONES or preferred.lower().endswith("-in")
    return INDIA if in_india and language() == SOURCE else language()


def theme() -> str:
    """Theme of the pages; ``auto`` follows the operating system."""
    known = viewer()
    return known.theme if known else "auto"


def choose_language(code: str) -> None:
    """Remember the language of a browser without a signed-in user."""
    session[_SESSION_KEY] = code
