"""The error envelope of each surface: one refusal, as many shapes as there are source documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from app.kernel.errors import Invalid, Refusal
from app.kernel.json import encode_text

Json = dict[str, Any]
LONGEST_REJECTED = 1000
#: A path into a payload (``("items", 9, "quantity")``) and what is wrong there.
FlatError = tuple[tuple[str | int, ...], list[str]]


class Envelope(ABC):
    """The shape of a surface's failures. A surface is told by the prefixes of its paths."""

    name: ClassVar[str]
    prefixes: ClassVar[tuple[str, ...]] = ()
    validation_status: ClassVar[int] = 422

    def status(self, refusal: Refusal) -> int:
        return self.validation_status if isinstance(refusal, Invalid) else refusal.status

    @abstractmethod
    def body(self, refusal: Refusal) -> Json:
        """The JSON document of a refusal."""

    @abstractmethod
    def schema(self) -> Json:
        """The same shape as an OpenAPI schema object."""


class SalesEnvelope(Envelope):
    """``{"success": false, "message", "errors"?, "data"?}``; errors mirror the payload's shape."""

    name = "SalesError"
    prefixes = ("/api/sales", "/api/auth")
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

    def schema(self) -> Json:
        return _object(
            required=("success", "message"),
            success={"type": "boolean", "const": False},
            message={"type": "string"},
            errors={"type": "object", "description": "Lists of sentences in the payload's own shape."},
            data={"type": "object"},
            code={"type": "string"},
        )


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
                yield {"field": _bracketed(path), "rejectedValue": _short(_at(payload, path)), "message": sentence}

    def schema(self) -> Json:
        error = _object(field={"type": "string"}, rejectedValue={}, message={"type": "string"})
        return _object(
            required=("status", "code", "message"),
            status={"type": "integer"},
            code={"type": "integer"},
            message={"type": "string"},
            errors={"type": "array", "items": error},
        )


class EinvoiceEnvelope(Envelope):
    """``{"message", "errors"?: {field: [str]}, "error"?: CODE}`` with the texts of the e-invoice document."""

    name = "ApiError"
    prefixes: ClassVar[tuple[str, ...]] = ("/api/v1",)
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
        if refusal.code and refusal.status != 401:  # noqa: PLR2004 - the document knows one sentence for all of these
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

    def schema(self) -> Json:
        sentences = {"type": "array", "items": {"type": "string"}}
        return _object(
            required=("message",),
            message={"type": "string"},
            errors={"type": "object", "additionalProperties": sentences},
            error={"type": "string"},
        )


class HubEnvelope(EinvoiceEnvelope):
    """For paths that belong to no document (``/healthz``, ``/docs``, a typing slip): the same simple shape."""

    name = "ApiError"
    prefixes = ()


ENVELOPES: tuple[Envelope, ...] = (SalesEnvelope(), GrnEnvelope(), EinvoiceEnvelope())
FALLBACK: Envelope = HubEnvelope()


def envelope_of(path: str) -> Envelope:
    """The envelope of the surface that a request path belongs to, known or not."""
    for envelope in ENVELOPES:
        if any(path == prefix or path.startswith(prefix + "/") for prefix in envelope.prefixes):
            return envelope
    return FALLBACK


def flatten_errors(errors: Any, path: tuple[str | int, ...] = ()) -> Iterator[FlatError]:
    """Walk nested field errors down to their sentences."""
    if isinstance(errors, Mapping):
        for step, below in errors.items():
            yield from flatten_errors(below, path if step == "_schema" else (*path, step))
    else:
        yield path, [errors] if isinstance(errors, str) else list(errors)


def _mirrored(errors: Any) -> Any:
    if isinstance(errors, Mapping):
        return {str("non_field_errors" if k == "_schema" else k): _mirrored(v) for k, v in errors.items()}
    return [errors] if isinstance(errors, str) else list(errors)


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


def _short(value: Any) -> Any:
    """A rejected value, or how it begins: a packing list of ten thousand rolls need not come back in its refusal."""
    if not isinstance(value, str | Mapping | list):
        return value
    text = value if isinstance(value, str) else encode_text(value)
    return value if len(text) <= LONGEST_REJECTED else f"{text[:LONGEST_REJECTED]}…"


def _named(field: str, sentence: str) -> str:
    """The e-invoice document names the field inside the sentence: ``The provider status field is required.``"""
    if sentence == "This field is required.":
        return f"The {field.rsplit('.', 1)[-1].replace('_', ' ')} field is required."
    return sentence


def _object(*, required: tuple[str, ...] = (), **properties: Json) -> Json:
    schema: Json = {"type": "object", "properties": properties}
    return schema | {"required": list(required)} if required else schema
