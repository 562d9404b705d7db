"""Error handlers: every exception of a request becomes an answer in the error envelope of its API."""

from __future__ import annotations

import errno
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
from app.kernel.database import lost_connections
from app.kernel.http.app import wants_page
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
#: The refusal for a violated database constraint, by the name of the constraint; packages add theirs in ``errors.py``.
CONSTRAINTS: dict[str, type[errors.Refusal]] = {}
#: Renders a refusal as a page; ``app/admin`` adds its renderer, because the kernel must not import it.
page_renderers: list[Callable[[errors.Refusal], Response]] = []


def error_response(refusal: errors.Refusal) -> Response:
    """The answer for ``refusal``: a page for people, otherwise JSON in the error envelope of the path."""
    if wants_page(request.path):
        for render in page_renderers:
            return render(refusal)
    envelope = envelope_of(request.path)
    body = current_app.json.dumps(envelope.body(refusal))
    answer = Response(body, envelope.status(refusal), mimetype="application/json")
    answer.headers.update(refusal.headers)
    if answer.status_code == 401:  # noqa: PLR2004 - RFC 9110, section 11.6.1 requires the header
        answer.headers["WWW-Authenticate"] = 'Bearer realm="invoice-hub"'
    return answer


def register(app: Flask) -> None:
    """Install the handlers on ``app``."""
    app.register_error_handler(errors.Refusal, error_response)
    app.register_error_handler(HTTPException, _http_exception)
    # The most frequent statements use the driver directly, so its errors come without SQLAlchemy's wrapper.
    for integrity in (IntegrityError, psycopg.IntegrityError):
        app.register_error_handler(integrity, _integrity_error)
    for data in (DataError, psycopg.DataError):
        app.register_error_handler(data, _data_error)
    for operational in (OperationalError, psycopg.OperationalError, PoolTimeout):
        app.register_error_handler(operational, _operational_error)
    app.register_error_handler(OSError, _os_error)
    app.register_error_handler(psycopg.InternalError, _internal_error)
    app.register_error_handler(Exception, _unexpected_error)


def _http_exception(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - a redirect is no error
        return error
    kind = _BY_STATUS.get(status)
    refusal = kind() if kind else errors.BadRequest(error.description)
    refusal.headers.update(_kept_headers(error))
    return error_response(refusal)


def _kept_headers(error: HTTPException) -> dict[str, str]:
    return {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}


def _integrity_error(error: Exception) -> Response:
    cause: Any = getattr(error, "orig", error)
    name = getattr(getattr(cause, "diag", None), "constraint_name", None)
    log.warning("constraint_refused", constraint=name, error_kind=type(cause).__name__)
    if isinstance(cause, pg.CheckViolation | pg.NotNullViolation):
        return _unexpected_error(error)
    return error_response(CONSTRAINTS.get(name or "", errors.Conflict)())


def _data_error(error: Exception) -> Response:
    """A value passed validation but the database cannot store it: a defect of a schema, answered as a client error."""
    log.error("value_not_storable", error_kind=type(getattr(error, "orig", error)).__name__, exc_info=error)
    return error_response(errors.Invalid({"_schema": [N_("A value is outside what can be stored.")]}))


def _operational_error(error: Exception) -> Response:
    log.error("database_unavailable", exc_info=error)
    return error_response(errors.Busy(headers={"Retry-After": "1"}))


def _os_error(error: OSError) -> Response:
    if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return _unexpected_error(error)
    log.error("disk_full", exc_info=error)
    return error_response(errors.DiskFull())


def _internal_error(error: Exception) -> Response:
    """Some errors of this class end the connection alone; the request can be sent again."""
    return (_operational_error if lost_connections.is_lost(error) else _unexpected_error)(error)


def _unexpected_error(error: Exception) -> Response:
    log.error("unexpected_error", exc_info=error)
    return error_response(errors.ServerError())
