"""Helpers of views that change something: redirects with a message, data of a form, status of a credential."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext, ngettext
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Response

from app.accounts.tokens.service import EXPIRY_WARNING
from app.admin.forms.base import Form
from app.admin.forms.line_table import read_version
from app.kernel import clock
from app.kernel.errors import Invalid

#: Errors of fields that a redirect carries; the cookie of the session is small.
MAX_FIELD_ERRORS = 10
#: Status of a redirect after a POST: the browser follows it with GET.
SEE_OTHER = 303


def redirect_to(endpoint: str, **values: Any) -> Response:
    """Redirect to a page of this blueprint tree, with the values of its route."""
    return redirect(url_for(endpoint, **values), SEE_OTHER)


def redirect_with_success(text: str, endpoint: str, **values: Any) -> Response:
    """Redirect to a page that shows ``text`` as a success message."""
    flash(text, "good")
    return redirect_to(endpoint, **values)


def redirect_with_errors(form: Form, endpoint: str, **values: Any) -> Response:
    """Redirect to a page that opens the dialog of ``form`` again, with its errors and what was typed."""
    errors = {str(name): " ".join(map(str, texts)) for name, texts in form.errors.items()}
    flash_refusal(" ".join(errors.values()), errors)
    return redirect_to(endpoint, **values)


def own_address() -> str | None:
    """The address of the page that answers a POST, if a GET of it shows the same form; None otherwise.

    With this address the browser shows the page again on Back, and does not ask whether to send the form again.
    """
    if request.method != "POST":
        return None
    adapter = current_app.create_url_adapter(request)
    is_page = adapter is not None and adapter.test(request.path, "GET")
    return request.full_path.rstrip("?") if is_page else None


def submitted_version() -> str:
    """The version of what a form changes: as it was opened, or the newer one that the user chose to replace."""
    return request.form.get("replaces") or request.form.get("version", "")


def opened_at() -> datetime:
    """The submitted version as a time.

    Raises:
        WrongTable: it is no time.
    """
    return read_version(submitted_version())


def flash_refusal(text: str, errors: Mapping[str, str]) -> None:
    """Let the next page show a refusal; its script fills the form again (``static/kept_fields.js``).

    Args:
        errors: text by the name of the field.
    """
    shown = dict(itertools.islice(errors.items(), MAX_FIELD_ERRORS))
    flash({"text": text, "errors": shown}, "refused")  # type: ignore[arg-type]


def load_data(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """Validate data by the schema of the API's request body.

    Raises:
        Invalid: the schema refuses the data.
    """
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        raise Invalid(error.messages_dict) from error
    return loaded


def load_form(schema: Schema, *names: str, **more: Any) -> dict[str, Any]:
    """Validate fields of the submitted form, and further values; a missing field counts as blank.

    Raises:
        Invalid: the schema refuses the data.
    """
    return load_data(schema, {**{name: request.form.get(name, "").strip() for name in names}, **more})


def credential_status(*, revoked_at: datetime | None, expires_at: datetime | None) -> tuple[str, str]:
    """Status of a token or an API key: the text and the tone of its badge."""
    if revoked_at:
        return gettext("Revoked"), "bad"
    if expires_at is None:
        return gettext("Valid"), "good"
    left = expires_at - clock.now()
    if left <= timedelta():
        return gettext("Expired"), "bad"
    days = -(-left // timedelta(days=1))
    return ngettext("%(num)s day left", "%(num)s days left", days), "warn" if left <= EXPIRY_WARNING else "good"
