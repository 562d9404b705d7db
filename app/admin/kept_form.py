"""Forms that came after the end of their session: they are kept, signed, during the sign-in, and sent again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from flask import current_app, request
from flask_wtf.csrf import validate_csrf
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy.exc import SQLAlchemyError
from wtforms import ValidationError

from app.accounts.login import web_sessions
from app.config import KIB
from app.kernel.http.app import is_page

log = structlog.get_logger(__name__)

#: Name of the hidden field of the sign-in form.
FIELD = "kept_form"
_MAX_BYTES = 256 * KIB
_LIFETIME_SECONDS = 12 * 3600
_CSRF_FIELD = "csrf_token"
#: A form with such a field is not kept: its values are no texts to be shown to the browser again.
_SECRET_WORDS = ("password", "present", "again", "secret", "token", "headers")


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form that was not accepted: its address and its fields, without the CSRF token."""

    url: str
    fields: Sequence[Sequence[str]]


def keep() -> str | None:
    """The form of the present request, signed; None if it is not one that may be kept.

    Only a form with the CSRF token of its session is kept: a page of another site cannot make the hub offer a form.
    """
    try:
        user_id = web_sessions.user_of_cookie()
    except SQLAlchemyError as error:
        log.warning("form_not_kept", error_kind=type(error).__name__)
        return None
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != _CSRF_FIELD]
    is_large = (request.content_length or 0) > _MAX_BYTES
    if user_id is None or is_large or _has_secret([name for name, _ in fields]) or any(request.files.values()):
        return None
    try:
        validate_csrf(request.form.get(_CSRF_FIELD))
    except ValidationError:
        return None
    return str(_serializer().dumps([user_id, request.full_path.rstrip("?"), fields]))


def restore(user_id: int | None) -> KeptForm | None:
    """The form that the sign-in form carries, if this user had typed it."""
    try:
        owner_id, url, fields = _serializer().loads(request.form.get(FIELD, ""), max_age=_LIFETIME_SECONDS)
    except BadData:
        return None
    return KeptForm(url, fields) if owner_id == user_id and is_page(url) else None


def _has_secret(names: Sequence[str]) -> bool:
    return any(word in name for name in names for word in _SECRET_WORDS)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="kept-form")
