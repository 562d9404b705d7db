"""What pages that change something have in common: who does it, where one is afterwards, how a credential stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext, ngettext
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Response

from app.accounts.tokens.service import EXPIRY_WARNING
from app.admin.forms.base import Form
from app.kernel import clock
from app.kernel.errors import Invalid

_SEE_OTHER = 303


def done(endpoint: str, text: str) -> Response:
    """To a page that says ``text``."""
    flash(text, "good")
    return to(endpoint)


def not_done(endpoint: str, form: Form) -> Response:
    """To a page that says what was wrong with a form of a dialog, which is closed by then."""
    said = [str(text) for texts in form.errors.values() for text in texts]
    flash(" ".join(said), "error")
    return to(endpoint)


def loaded(schema: Schema, **sent: Any) -> dict[str, Any]:
    """What a form sent, by the schema of the API's own body.

    Raises:
        Invalid: the schema refuses it.
    """
    try:
        found: dict[str, Any] = schema.load(sent)
    except ValidationError as error:
        raise Invalid(error.messages_dict) from error
    return found


def to(endpoint: str) -> Response:
    return redirect(url_for(endpoint), _SEE_OTHER)


def standing(*, revoked_at: datetime | None, expires_at: datetime | None) -> tuple[str, str]:
    """How a token or a key stands, in words and in the tone of its badge."""
    if revoked_at:
        return gettext("Revoked"), "bad"
    if expires_at is None:
        return gettext("Valid"), "good"
    left = expires_at - clock.now()
    if left <= timedelta():
        return gettext("Expired"), "bad"
    days = -(-left // timedelta(days=1))
    return ngettext("%(num)s day left", "%(num)s days left", days), "warn" if left <= EXPIRY_WARNING else "good"
