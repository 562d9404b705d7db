"""Error envelopes of ``/api/auth`` and of every path without an own envelope (``/api/v1``, ``/healthz``, ``/docs``).

The second one is defined here because several packages answer below ``/api/v1``, and this is the lowest of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from app.kernel.errors import Refusal
from app.kernel.http.error_envelopes import EVERY_PATH, Envelope, Json, flatten_errors, object_schema

BEARER: Json = {"type": "http", "scheme": "bearer", "description": "A user's access token or a scoped token."}


class AuthEnvelope(Envelope):
    """``{"success": false, "message", "errors"?, "data"?}``; errors mirror the payload's shape.

    The source document of ``/api/sales`` defines this shape; ``/api/auth`` is part of that document.
    """

    name = "SalesError"
    prefixes = ("/api/auth",)
    authentication = {"bearer": BEARER}
    validation_status = 400

    def body(self, refusal: Refusal) -> Json:
        body: Json = {"success": False, "message": refusal.message}
        if refusal.errors:
            body["errors"] = _mirrored(refusal.errors)
        if refusal.data:
            body["data"] = dict(refusal.data)
        if refusal.code:
            body["code"] = refusal.code
        return body

    def schema(self, extras: Json) -> Json:
        return object_schema(
            required=("success", "message"),
            success={"type": "boolean", "const": False},
            message={"type": "string"},
            errors={
                "type": "object",
                "additionalProperties": True,
                "description": "Lists of texts in the shape of the payload.",
            },
            data={"type": "object", "additionalProperties": True, "description": f"Facts: {', '.join(extras)}."},
            code={"type": "string"},
        )


class ApiV1Envelope(Envelope):
    """``{"message", "errors"?: {field: [str]}, "error"?: CODE}`` with the texts of the e-invoice document."""

    name = "ApiError"
    prefixes = (EVERY_PATH,)
    authentication = {"bearer": BEARER}
    texts: ClassVar[Mapping[int, str]] = {
        401: "Unauthenticated.",
        403: "This action is unauthorized.",
        404: "Not Found.",
        500: "Server Error",
    }

    def body(self, refusal: Refusal) -> Json:
        if refusal.errors:
            return self._fields(refusal)
        message = self.texts.get(refusal.status, refusal.message)
        if refusal.code and refusal.status != 401:  # noqa: PLR2004 - the document has one text for every 401
            message = refusal.message
        body: Json = {"message": message}
        if refusal.code:
            body["error"] = refusal.code
        return {**body, **(refusal.data or {})}

    def _fields(self, refusal: Refusal) -> Json:
        errors: dict[str, list[str]] = {}
        for path, sentences in flatten_errors(refusal.errors or {}):
            field = ".".join(str(step) for step in path)
            errors.setdefault(field, []).extend(_named(field, sentence) for sentence in sentences)
        sentences = [sentence for field in errors.values() for sentence in field]
        more = len(sentences) - 1
        suffix = f" (and {more} more error{'s' if more > 1 else ''})" if more else ""
        return {"message": sentences[0] + suffix, "errors": errors}

    def schema(self, extras: Json) -> Json:
        sentences = {"type": "array", "items": {"type": "string"}}
        return object_schema(
            required=("message",),
            message={"type": "string"},
            errors={"type": "object", "additionalProperties": sentences},
            error={"type": "string", "description": "A code for programs."},
            **extras,
        )


def _mirrored(errors: Any) -> Any:
    if isinstance(errors, Mapping):
        return {str("non_field_errors" if k == "_schema" else k): _mirrored(v) for k, v in errors.items()}
    return [errors] if isinstance(errors, str) else list(errors)


def _named(field: str, sentence: str) -> str:
    """The e-invoice document names the field inside the sentence: ``The provider status field is required.``"""
    if sentence == "This field is required.":
        return f"The {field.rsplit('.', 1)[-1].replace('_', ' ')} field is required."
    return sentence
