"""Refusals of page requests: redirect to sign-in, message on the previous page, or an error page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext, lazy_gettext
from flask_wtf.csrf import CSRFError

from app.admin import kept_form
from app.admin.blueprint import HEADERS, CookieNeedsHttps, StaleForm, loses_cookie
from app.admin.forms.sign_in_form import SignInForm, sign_in_page
from app.admin.helpers import SEE_OTHER, flash_refusal
from app.admin.i18n.translate import translate
from app.kernel import errors
from app.kernel.http.app import is_page
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.http.error_handlers import error_response

_UNAUTHORIZED = 401
#: Refusals of a POST that the previous page shows as a message; every other refusal gets an error page.
_SHOWN_ON_PREVIOUS_PAGE = (errors.BadRequest, errors.Invalid, errors.Conflict, errors.Unprocessable)
_TITLES = {
    400: lazy_gettext("The request failed"),
    403: lazy_gettext("You do not have permission"),
    404: lazy_gettext("Page not found"),
    405: lazy_gettext("The request failed"),
    409: lazy_gettext("This is not possible now"),
    413: lazy_gettext("The request is too large"),
    422: lazy_gettext("The request failed"),
    429: lazy_gettext("Too many attempts"),
    500: lazy_gettext("Something went wrong"),
    503: lazy_gettext("The service is busy"),
}
_HINTS = {
    403: lazy_gettext("Your role does not allow it. An administrator can change that."),
    404: lazy_gettext("The page does not exist, or you do not have access to it."),
    413: lazy_gettext("Send a smaller file, or less text."),
    429: lazy_gettext("Wait a few minutes and try again."),
    500: lazy_gettext(
        "Check whether your change was saved. An administrator can find the cause in the log by the request ID below."
    ),
    503: lazy_gettext("Try again in a few seconds."),
}
#: Texts for people without a sign-in, who opened a link to a PDF.
_PUBLIC_TITLES = {404: lazy_gettext("This link opens no document")}
_PUBLIC_HINTS = {
    404: lazy_gettext("The link is wrong, has expired or was revoked. Ask the sender of the document for a new one."),
    429: lazy_gettext("Wait a minute and try again."),
}


def render(refusal: errors.Refusal) -> Response:
    """Response to a page request that was refused."""
    if not is_page(request.path):
        return _public_page(refusal)
    session.pop("_flashes", None)  # messages of a view whose transaction was rolled back are not true
    if isinstance(refusal, errors.Unauthenticated):
        return _redirect_to_sign_in()
    if (
        request.method == "POST"
        and isinstance(refusal, _SHOWN_ON_PREVIOUS_PAGE)
        and not isinstance(refusal, StaleForm | CookieNeedsHttps)
    ):
        flash_refusal(error_text(refusal), _field_errors(refusal))
        return make_response(redirect(previous_page(), SEE_OTHER))
    status = 422 if isinstance(refusal, errors.Invalid) else refusal.status
    # A refusal with a code of its own (module not enabled, address not allowed) is more exact than its status.
    hint = error_text(refusal) if refusal.code else _HINTS.get(status) or error_text(refusal)
    title = _TITLES.get(status, _TITLES[400])
    response = make_response(render_template("admin/error.html", title=title, hint=hint, status=status), status)
    response.headers.update(refusal.headers)
    return response


def _public_page(refusal: errors.Refusal) -> Response:
    """Response to somebody without a sign-in, who opened a link to a PDF."""
    is_pending = isinstance(refusal, errors.NotFound) and "Retry-After" in refusal.headers
    title, hint = gettext("The document is being created"), gettext("Load this page again in a few seconds.")
    if not is_pending:
        title = _PUBLIC_TITLES.get(refusal.status) or _TITLES.get(refusal.status, _TITLES[400])
        hint = _PUBLIC_HINTS.get(refusal.status) or _HINTS.get(refusal.status, "")
    response = make_response(render_template("admin/public_error.html", title=title, hint=hint), refusal.status)
    response.headers.update({**HEADERS, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"})
    response.headers.update(refusal.headers)
    return response


def error_text(refusal: errors.Refusal) -> str:
    """Message of a refusal in the viewer's language, in one line."""
    faults = [text for _, texts in flatten_errors(refusal.errors or {}) for text in texts]
    return " ".join(map(translate, faults)) or translate(refusal.message)


def _field_errors(refusal: errors.Refusal) -> dict[str, str]:
    """Text of each field that a refusal names, by the last name of its path, in the viewer's language."""
    found = flatten_errors(refusal.errors or {})
    return {str(path[-1]): " ".join(map(translate, texts)) for path, texts in found if path}


def previous_page() -> str:
    """Path of the page that the browser came from, with its query."""
    referrer = urlsplit(request.referrer or "")
    return own_page(f"{referrer.path}?{referrer.query}" if referrer.query else referrer.path)


def own_page(path: str) -> str:
    """``path`` if it is a page of the hub, else the overview; it prevents open redirects."""
    parts = urlsplit(path)
    is_own = not parts.scheme and not parts.netloc and is_page(parts.path) and "\\" not in path
    return path if is_own and path.isprintable() else url_for("admin.overview.show")


def handle_csrf_error(_error: CSRFError) -> Response:
    """Response to a form whose CSRF token is missing or wrong."""
    return error_response(CookieNeedsHttps() if loses_cookie() else StaleForm())


def _redirect_to_sign_in() -> Response:
    is_fragment = "HX-Request" in request.headers
    if request.method == "POST" and not is_fragment and (kept := kept_form.keep()):
        return make_response(sign_in_page(SignInForm(formdata=None), previous_page(), kept), _UNAUTHORIZED)
    target = request.full_path.rstrip("?") if request.method == "GET" and not is_fragment else previous_page()
    is_overview = target == url_for("admin.overview.show")
    sign_in_url = url_for("admin.login.sign_in", next=None if is_overview else target)
    if is_fragment:  # htmx must leave the page, not put the sign-in form into a part of it
        return Response(status=_UNAUTHORIZED, headers={"HX-Redirect": sign_in_url})
    return make_response(redirect(sign_in_url, SEE_OTHER))
