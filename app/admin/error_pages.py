"""Refusals as people see them: the way to sign in, a word on the page that one came from, or a page of its own."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import lazy_gettext
from flask_wtf.csrf import CSRFError

from app.admin.blueprint import StaleForm
from app.admin.i18n.translate import translate
from app.kernel import errors
from app.kernel.http.app import is_page
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.http.error_handlers import error_response

_SEE_OTHER, _UNAUTHORIZED = 303, 401
#: What a person did that cannot be done just now; everything else gets a page of its own.
_TOLD_ON_THE_SPOT = (errors.BadRequest, errors.Invalid, errors.Conflict, errors.Unprocessable)
_TITLES = {
    400: lazy_gettext("That did not work"),
    403: lazy_gettext("You may not do this"),
    404: lazy_gettext("Nothing here"),
    405: lazy_gettext("That did not work"),
    409: lazy_gettext("That cannot be done now"),
    413: lazy_gettext("Too large"),
    422: lazy_gettext("That did not work"),
    429: lazy_gettext("Too many attempts"),
    500: lazy_gettext("Something went wrong"),
    503: lazy_gettext("Busy just now"),
}
_HINTS = {
    403: lazy_gettext("Your role does not allow it. An administrator can change that."),
    404: lazy_gettext("The page does not exist, or it is not yours to see."),
    429: lazy_gettext("Wait a minute and try again."),
    500: lazy_gettext("Nothing was changed. The administrator finds what happened in the log under the number below."),
    503: lazy_gettext("The service is busy; try again shortly."),
}


def render(refusal: errors.Refusal) -> Response:
    """The answer to a page request that was refused."""
    session.pop("_flashes", None)  # what a view said before it failed did not happen
    if isinstance(refusal, errors.Unauthenticated):
        return _to_sign_in()
    if request.method == "POST" and isinstance(refusal, _TOLD_ON_THE_SPOT) and not isinstance(refusal, StaleForm):
        flash(sentence(refusal), "error")
        return make_response(redirect(back(), _SEE_OTHER))
    status = 422 if isinstance(refusal, errors.Invalid) else refusal.status
    # A refusal with a code of its own (a module that is not enabled, an address) says more than its status.
    hint = sentence(refusal) if refusal.code else _HINTS.get(status) or sentence(refusal)
    title = _TITLES.get(status, _TITLES[400])
    answer = make_response(render_template("admin/refused.html", title=title, hint=hint, status=status), status)
    answer.headers.update(refusal.headers)
    return answer


def sentence(refusal: errors.Refusal) -> str:
    """What was wrong, in one line."""
    faults = [text for _, sentences in flatten_errors(refusal.errors or {}) for text in sentences]
    return " ".join(map(translate, faults)) or translate(refusal.message)


def back() -> str:
    """The page that the form was on."""
    came_from = urlsplit(request.referrer or "")
    return local(f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path)


def local(path: str) -> str:
    """``path`` if it is one of the pages, else the first of them: nobody is sent elsewhere by a crafted link."""
    parts = urlsplit(path)
    ours = not parts.scheme and not parts.netloc and is_page(parts.path) and "\\" not in path
    return path if ours and path.isprintable() else url_for("admin.overview.show")


def stale_form(_error: CSRFError) -> Response:
    """A form whose token is missing or wrong."""
    return error_response(StaleForm())


def _to_sign_in() -> Response:
    is_part = "HX-Request" in request.headers
    wanted = request.full_path.rstrip("?") if request.method == "GET" and not is_part else back()
    is_first = wanted == url_for("admin.overview.show")
    address = url_for("admin.signing.form", next=None if is_first else wanted)
    if is_part:  # a part of a page cannot become the form: the whole page must
        return Response(status=_UNAUTHORIZED, headers={"HX-Redirect": address})
    return make_response(redirect(address, _SEE_OTHER))
