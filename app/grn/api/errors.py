"""Error envelope of the goods receipts API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from app.accounts.api_errors import BEARER
from app.kernel.errors import Refusal
from app.kernel.http.error_envelopes import Envelope, Json, flatten_errors, object_schema
from app.kernel.json import encode_text

#: Characters of a rejected value that an error repeats.
MAX_REJECTED_VALUE = 1000


class GrnEnvelope(Envelope):
    """``{"status", "code", "message", "errors"?: [{"field", "rejectedValue", "message"}]}``."""

    name = "GrnError"
    prefixes = (
        "/api/invoices",
        "/invoices",
        "/api/suppliers",
        "/api/fabrics",
        "/api/orders",
        "/api/products",
    )
    authentication = {"bearer": BEARER}
    validation_status = 400
    #: Anything else is its status followed by two zeros.
    codes: ClassVar[Mapping[str, int]] = {"FIELDS": 40001, "DUPLICATE": 40901}

    def body(self, refusal: Refusal) -> Json:
        status = self.status(refusal)
        code = self.codes.get(refusal.code or "", status * 100)
        body: Json = {"status": status, "code": code, "message": refusal.message}
        if refusal.errors:
            body["code"] = self.codes["FIELDS"] if status == self.validation_status else code
            body["errors"] = list(self._errors(refusal))
        if refusal.data:
            body.update(refusal.data)
        return body

    def _errors(self, refusal: Refusal) -> Iterator[Json]:
        payload = getattr(refusal, "payload", None)
        for path, sentences in flatten_errors(refusal.errors or {}):
            for sentence in sentences:
                yield {"field": _bracketed(path), "rejectedValue": _shortened(_at(payload, path)), "message": sentence}

    def schema(self, extras: Json) -> Json:
        error = object_schema(
            required=("field", "rejectedValue", "message"),
            field={"type": "string"},
            rejectedValue={"description": "What was sent, of any type; null where nothing was."},
            message={"type": "string"},
        )
        return object_schema(
            required=("status", "code", "message"),
            status={"type": "integer"},
            code={"type": "integer"},
            message={"type": "string"},
            errors={"type": "array", "items": error},
            **extras,
        )


def _bracketed(path: tuple[str | int, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _at(payload: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        try:
            payload = payload[step]
        except (LookupError, TypeError):
            return None
    return payload


def _shortened(value: Any) -> Any:
    """A rejected value, or its beginning: a packing list of 10,000 rolls is not repeated in its own error."""
    if not isinstance(value, str | Mapping | list):
        return value
    text = value if isinstance(value, str) else encode_text(value)
    return value if len(text) <= MAX_REJECTED_VALUE else f"{text[:MAX_REJECTED_VALUE]}…"
