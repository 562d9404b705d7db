"""Refusals: exceptions that become an error answer. The error envelope of each API gives them their JSON shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from app.kernel.messages import N_
from app.kernel.schemas.error_limits import limit_errors

#: Field errors in the form of marshmallow: nested mappings that mirror the payload, with lists of texts as leaves.
FieldErrors = Mapping[Any, Any]


class Refusal(Exception):
    """The base class of all errors that a client may see.

    ``code`` is machine-readable (``MODULE_NOT_ENABLED``); ``data`` goes into the answer unchanged.
    """

    status: ClassVar[int] = 400
    message: str = N_("The request was refused.")
    code: str | None = None
    #: An example of what ``data`` may hold besides that of a refusal without arguments.
    optional_data: ClassVar[Mapping[str, Any]] = {}
    #: Commit what was written before the refusal: for example the end of a session whose token was stolen.
    keeps_evidence: ClassVar[bool] = False

    def __init__(
        self,
        message: str | None = None,
        *,
        errors: FieldErrors | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message or self.message)
        self.message = message or self.message
        self.errors = limit_errors(errors)
        self.data = data
        self.headers = dict(headers or {})


class Invalid(Refusal):
    """The payload breaks a rule; the error envelope chooses the status (400 or 422).

    ``payload`` is the received payload, for envelopes that repeat rejected values.
    """

    message = N_("Validation failed")

    def __init__(self, errors: FieldErrors, *, message: str | None = None, payload: Any = None) -> None:
        super().__init__(message, errors=errors)
        self.payload = payload


class BadRequest(Refusal):
    message = N_("The request could not be understood.")


class BrokenBody(BadRequest):
    message = N_("The body is cut off, or its chunks are malformed.")


class MalformedJson(BadRequest):
    message = N_("The body is not valid JSON.")


class Unauthenticated(Refusal):
    status = 401
    message = N_("Authentication credentials were not provided.")


class Forbidden(Refusal):
    status = 403
    message = N_("This action is unauthorized.")


class NotFound(Refusal):
    status = 404
    message = N_("Not found.")


class MethodNotAllowed(Refusal):
    status = 405
    message = N_("Method not allowed.")


class RequestTimeout(Refusal):
    status = 408
    message = N_("The body did not arrive in time.")


class Conflict(Refusal):
    status = 409
    message = N_("The request conflicts with what is stored.")


class PayloadTooLarge(Refusal):
    status = 413
    message = N_("The body is too large.")


class UnsupportedMediaType(Refusal):
    status = 415
    message = N_("Send the body as Content-Type: application/json.")


class RangeNotSatisfiable(Refusal):
    status = 416
    message = N_("The range begins behind the end of the file.")


class Unprocessable(Refusal):
    status = 422
    message = N_("The request cannot be processed.")


class TooManyRequests(Refusal):
    status = 429
    message = N_("Too many requests.")


class ServerError(Refusal):
    status = 500
    message = N_("Server Error")


class Busy(Refusal):
    status = 503
    message = N_("The service is busy; try again shortly.")


class DiskFull(Busy):
    message = N_("The disk of the hub is full; tell its operator.")
