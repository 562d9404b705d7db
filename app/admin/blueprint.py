"""What every page has in common: who looks at it, forms that cannot be forged, and the headers of a safe page."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from flask_wtf.csrf import CSRFProtect

from app.accounts.guards import ability_of
from app.admin.viewer import viewer
from app.kernel.errors import BadRequest, Unauthenticated
from app.kernel.http.app import PAGES, is_page
from app.kernel.messages import N_

#: Everything comes from the hub; Pico draws its own small marks (ticks, arrows) as data URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
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
    """The form was not made for this session: it is old, or another site sent it."""

    message = N_("This form is out of date. Load the page again and repeat what you did.")


@blp.before_request
def _receive() -> None:
    """Know the viewer; a form that changes anything must come from a page that this session was given."""
    known = viewer()
    if request.method in _SAFE:
        return
    is_public = ability_of(current_app.view_functions[request.endpoint or ""]) is None
    if known is None and not is_public:
        raise Unauthenticated  # sooner than the form's complaint: the session has ended, and signing in mends it
    csrf.protect()


def secure(answer: Response) -> Response:
    """Add the headers of a page to whatever is answered below ``/admin``."""
    if is_page(request.path):
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        if not answer.cache_control.public and "Cache-Control" not in answer.headers:
            answer.headers["Cache-Control"] = "no-store"
        if request.is_secure:
            answer.headers["Strict-Transport-Security"] = f"max-age={_TWO_YEARS}"
    return answer
