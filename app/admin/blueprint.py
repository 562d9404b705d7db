"""Blueprint of all pages: recognizes the viewer, checks the CSRF token of every POST, adds security headers."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from flask_wtf.csrf import CSRFProtect

from app.accounts.guards import ability_of
from app.admin.viewer import viewer
from app.kernel.errors import BadRequest, Unauthenticated
from app.kernel.http.app import PAGES, is_page
from app.kernel.messages import N_

#: Content security policy: everything comes from the hub; Pico embeds its small icons as data URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TWO_YEARS = 2 * 365 * 24 * 3600
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

blp = Blueprint("admin", __name__, url_prefix=PAGES, template_folder="templates")
csrf = CSRFProtect()


class StaleForm(BadRequest):
    """The CSRF token of a form is missing or wrong: the form is old, or another site sent it."""

    message = N_("This form is out of date. Load the page again and repeat what you did.")


class CookieNeedsHttps(BadRequest):
    """The browser did not keep the session cookie, which is for https only."""

    message = N_(
        "You opened this page over http, where the browser does not keep the sign-in cookie. Open it over https. "
        "In a trusted network, an administrator can set ALLOW_HTTP=true."
    )


def loses_cookie() -> bool:
    """Whether this browser drops the session cookie, because the cookie is for https and the page came over http."""
    config = current_app.config
    return (
        config["SESSION_COOKIE_SECURE"]
        and not request.is_secure
        and config["SESSION_COOKIE_NAME"] not in request.cookies
    )


@blp.before_request
def _check_request() -> None:
    """Load the viewer; check that a POST carries the CSRF token of this session.

    Raises:
        Unauthenticated: the session has ended. It comes before the check of the token, because signing in solves both.
    """
    known = viewer()
    if request.method in _SAFE:
        return
    is_public = ability_of(current_app.view_functions[request.endpoint or ""]) is None
    if known is None and not is_public:
        raise Unauthenticated
    if known is not None and request.endpoint == f"{blp.name}.login.sign_in":
        return  # who is signed in already, in another window perhaps, changes nothing by it
    csrf.protect()


def add_security_headers(response: Response) -> Response:
    """Add the security headers to every response below ``/admin``."""
    if is_page(request.path):
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = f"max-age={_TWO_YEARS}"
    return response
