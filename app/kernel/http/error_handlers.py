"""Turns whatever went wrong in a request into the envelope of its surface; nothing leaves as HTML or a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from flask import Flask, Response, current_app, request
from psycopg import errors as pg
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.kernel import errors
from app.kernel.http.app import is_page
from app.kernel.http.error_envelopes import envelope_of
from app.kernel.messages import N_

log = structlog.get_logger(__name__)

_BY_STATUS: dict[int, type[errors.Refusal]] = {
    kind.status: kind
    for kind in (
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.PayloadTooLarge,
        errors.UnsupportedMediaType,
        errors.TooManyRequests,
        errors.ServerError,
        errors.Busy,
    )
}
#: Constraint name -> the refusal that its breach means; rooms add theirs where they define the refusal.
CONSTRAINTS: dict[str, type[errors.Refusal]] = {}
#: What makes a page of a refusal; the room of the pages puts its renderer here (floor 4, which nobody here knows).
page_renderers: list[Callable[[errors.Refusal], Response]] = []


def error_response(refusal: errors.Refusal) -> Response:
    """Answer with ``refusal`` in the shape of the surface that the request came in on."""
    if is_page(request.path):
        for render in page_renderers:
            return render(refusal)
    envelope = envelope_of(request.path)
    body = current_app.json.dumps(envelope.body(refusal))
    answer = Response(body, envelope.status(refusal), mimetype="application/json")
    answer.headers.update(refusal.headers)
    if answer.status_code == 401:  # noqa: PLR2004 - RFC 9110, section 11.6.1: it names how to authenticate
        answer.headers["WWW-Authenticate"] = 'Bearer realm="invoice-hub"'
    return answer


def register(app: Flask) -> None:
    """Install the handlers on ``app``."""
    app.register_error_handler(errors.Refusal, error_response)
    app.register_error_handler(HTTPException, _http)
    # The busiest statements speak to the driver itself, whose errors come without SQLAlchemy's wrapping.
    for integrity in (IntegrityError, psycopg.IntegrityError):
        app.register_error_handler(integrity, _lost_race)
    for data in (DataError, psycopg.DataError):
        app.register_error_handler(data, _unstorable)
    for operational in (OperationalError, psycopg.OperationalError, PoolTimeout):
        app.register_error_handler(operational, _unavailable)
    app.register_error_handler(Exception, _unexpected)


def _http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - a redirect is an answer, no failure
        return error
    kind = _BY_STATUS.get(status)
    refusal = kind() if kind else errors.BadRequest(error.description)
    refusal.headers.update(_kept_headers(error))
    return error_response(refusal)


def _kept_headers(error: HTTPException) -> dict[str, str]:
    return {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}


def _lost_race(error: Exception) -> Response:
    cause: Any = getattr(error, "orig", error)
    name = getattr(getattr(cause, "diag", None), "constraint_name", None)
    log.warning("constraint_refused", constraint=name, error_kind=type(cause).__name__)
    if isinstance(cause, pg.CheckViolation | pg.NotNullViolation):
        return _unexpected(error)
    return error_response(CONSTRAINTS.get(name or "", errors.Conflict)())


def _unstorable(error: Exception) -> Response:
    """A value that passed validation and that the database cannot hold is our fault, yet still the client's answer."""
    log.error("value_not_storable", error_kind=type(getattr(error, "orig", error)).__name__, exc_info=error)
    return error_response(errors.Invalid({"_schema": [N_("A value is outside what can be stored.")]}))


def _unavailable(error: Exception) -> Response:
    log.error("database_unavailable", exc_info=error)
    return error_response(errors.Busy(headers={"Retry-After": "1"}))


def _unexpected(error: Exception) -> Response:
    log.error("unexpected_error", exc_info=error)
    return error_response(errors.ServerError())
