"""The OpenAPI document: the one of flask-smorest, completed with security schemes and the real error bodies."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from apispec import APISpec
from flask import Flask
from flask_smorest import Api, Blueprint

from app.kernel import errors
from app.kernel.http.error_envelopes import Envelope, Json, envelope_of, registered_envelopes
from app.kernel.http.openapi_headers import COMPONENTS as HEADERS
from app.kernel.http.openapi_headers import add_headers
from app.kernel.http.openapi_schemas import HubMarshmallowPlugin, separate_forms
from app.kernel.http.request_parser import METHODS_WITH_BODY

#: Marks that decorators put on an operation; ``document()`` replaces them with text and parameters.
ABILITY, REFUSALS, IDEMPOTENT, PAGES = "x-ability", "x-refusals", "x-idempotent", "x-pages"
_METHODS = ("get", "post", "put", "patch", "delete")
#: Schemas of contents that no marshmallow schema describes. The one of a stream would be that of each event.
_TEXTS: Mapping[str, Json] = {
    "application/pdf": {"type": "string", "format": "binary"},
    "application/xml": {"type": "string"},
    "text/csv": {"type": "string"},
    "text/plain": {"type": "string"},
}
_PARAMETER = re.compile(r"\{\w+\}")

IDEMPOTENCY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Repeat the request with the same key and body and the stored answer is replayed (24 hours).",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}

EXAMPLE_INVALID = {"field": ["This field is required."]}


class HubApi(Api):
    """flask-smorest's ``Api`` without its error handlers and its default error shape.

    The operations are described at the first use of ``spec``: most programs of the hub never need the description.
    """

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        self._undescribed: list[Blueprint] = []
        self._describing = threading.RLock()
        super().__init__(app, spec_kwargs={"marshmallow_plugin": HubMarshmallowPlugin()})

    @property
    def spec(self) -> APISpec:
        """The description of all operations that were registered."""
        with self._describing:
            blueprints, self._undescribed = self._undescribed, []
            for blueprint in blueprints:
                blueprint.register_views_in_doc(self, self._app, self._spec, name=blueprint.name, parameters=None)
                self._spec.tag({"name": blueprint.name, "description": blueprint.description})
            return self._spec

    @spec.setter
    def spec(self, spec: APISpec) -> None:
        self._spec = spec

    def register_blueprint(self, blp: Blueprint) -> None:
        """Register the views of a blueprint now, and their description for later."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp)
        self._undescribed.append(blp)

    def _register_error_handlers(self) -> None:
        """Nothing: ``kernel/http/error_handlers.py`` registers the handlers."""


def refuses(*refusals: type[errors.Refusal]) -> Callable[[Any], Any]:
    """Decorator: document the refusals of an operation, with the bodies that the error envelope makes of them.

    It may be used several times on one view.
    """

    def mark(view: Any) -> Any:
        docs = view._apidoc = dict(getattr(view, "_apidoc", {}))
        manual = docs.get("manual_doc", {})
        docs["manual_doc"] = {**manual, REFUSALS: [*refusals, *manual.get(REFUSALS, ())]}
        return view

    return mark


def answers_pages(view: Any) -> Any:
    """Decorator: document that browsers get the refusals of an operation as pages."""
    docs = view._apidoc = dict(getattr(view, "_apidoc", {}))
    docs["manual_doc"] = {**docs.get("manual_doc", {}), PAGES: True}
    return view


def document(app: Flask, api: Api) -> dict[str, Any]:
    """The complete document as JSON-compatible data."""
    spec: dict[str, Any] = api.spec.to_dict()
    components = spec.setdefault("components", {})
    security_schemes = components.setdefault("securitySchemes", {})
    components.pop("responses", None)
    extras: dict[str, Json] = {}
    for path, operations in spec["paths"].items():
        for method in _METHODS:
            if method in operations:
                _complete_operation(path, method, operations[method], extras)
    for envelope in registered_envelopes():
        components["schemas"][envelope.name] = envelope.schema(extras[envelope.name])
        security_schemes.update(envelope.authentication)
    components["headers"] = HEADERS
    separate_forms(spec)
    return spec


def _complete_operation(path: str, method: str, operation: Json, extras: dict[str, Json]) -> None:
    envelope = envelope_of(_PARAMETER.sub("1", path))
    ability = operation.pop(ABILITY, None)
    operation["security"] = _security(envelope, ability)
    if ability:
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds the ability `{ability}`.".strip()
    idempotent = operation.pop(IDEMPOTENT, False)
    if idempotent:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_PARAMETER)
    operation["operationId"] = _operation_id(method, path)
    responses = operation.setdefault("responses", {})
    for status in [s for s, answer in responses.items() if "$ref" in answer or s == "default"]:
        del responses[status]
    for answer in responses.values():
        for kind, media in answer.get("content", {}).items():
            if kind in _TEXTS:
                media.setdefault("schema", _TEXTS[kind])
    declared: Iterable[type[errors.Refusal]] = operation.pop(REFUSALS, ())
    for refusal in [*_common_refusals(path, method, ability, operation), *(kind() for kind in declared)]:
        _add_response(responses, envelope, refusal)
        extras.setdefault(envelope.name, {}).update(_described(refusal.data or {}, refusal.optional_data))
    _add_pages(operation)
    add_headers(responses, idempotent=bool(idempotent))


def _add_pages(operation: Json) -> None:
    """Add pages to the refusals of an operation that ``answers_pages`` marked."""
    if operation.pop(PAGES, False):
        for answer in operation["responses"].values():
            if "application/json" in answer.get("content", {}):
                answer["content"]["text/html"] = {"schema": {"type": "string"}}


def _security(envelope: Envelope, ability: str | None) -> list[dict[str, list[str]]]:
    return [{scheme: []} for scheme in envelope.authentication] if ability else []


def _common_refusals(path: str, method: str, ability: str | None, operation: Json) -> list[errors.Refusal]:
    refusals: list[errors.Refusal] = []
    if ability is not None:
        refusals += [errors.Unauthenticated(), errors.Forbidden(), errors.TooManyRequests()]
    if "requestBody" in operation or operation.get("parameters"):
        refusals.append(errors.Invalid(EXAMPLE_INVALID))
    if ability is not None and "requestBody" in operation:
        refusals.append(errors.Conflict())
    if "requestBody" in operation:
        refusals.append(errors.MalformedJson())
    if "requestBody" in operation or IDEMPOTENCY_PARAMETER in operation.get("parameters", ()):
        refusals.append(errors.PayloadTooLarge())
    if method.upper() in METHODS_WITH_BODY:
        refusals += [errors.BrokenBody(), errors.RequestTimeout(), errors.UnsupportedMediaType()]
    if "{" in path:
        refusals.append(errors.NotFound())
    return [*refusals, errors.ServerError(), errors.Busy()]


def _add_response(responses: dict[str, Any], envelope: Envelope, refusal: errors.Refusal) -> None:
    answer = responses.setdefault(
        str(envelope.status(refusal)),
        {
            "description": refusal.message,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{envelope.name}"}}},
        },
    )
    for header in refusal.headers:
        answer.setdefault("headers", {})[header] = {"$ref": f"#/components/headers/{header}"}
    examples = answer["content"]["application/json"].setdefault("examples", {})
    examples[type(refusal).__name__] = {"value": envelope.body(refusal)}


def _described(*examples: Mapping[str, Any]) -> Json:
    """Schemas of the extra keys of an error, by the types of their example values."""
    return {key: _type_of(value) for example in examples for key, value in example.items()}


def _type_of(value: Any) -> Json:
    if isinstance(value, list):
        return {"type": "array", "items": _type_of(value[0])}
    return {"type": {str: "string", bool: "boolean", int: "integer"}[type(value)]}


def _operation_id(method: str, path: str) -> str:
    words = re.findall(r"\w+", path.removeprefix("/api/"))
    return "_".join([method, *words])
