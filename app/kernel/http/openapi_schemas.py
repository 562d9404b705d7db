"""Component schemas of the OpenAPI document: one form for requests and one for answers.

A request is described strictly: unknown fields are refused. An answer names the fields that are always there and may
get further ones in a later release, so generated clients must not refuse those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_instance
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields

from app.kernel.database.sequences import MAX_ID
from app.kernel.schemas.documentation import IN_ANSWERS, IN_REQUESTS
from app.kernel.schemas.fields import Number, Schema, Text

Json = dict[str, Any]

#: Marks of an object: keys of every answer; of requests: keys without effect, keys that may be null, further rules.
_PRESENT, _DERIVED, _NULLABLE, _RULES = "x-present", "x-derived", "x-nullable", "x-rules"
_PREFIX = "#/components/schemas/"
_LARGEST_INT32 = 2**31 - 1
_DERIVED_TEXT = "Computed by the hub; ignored in a request."


class _Converter(OpenAPIConverter):
    """apispec's converter, which also adds the marks of this module."""

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()  # type: ignore[no-untyped-call]
        self.attribute_functions += [self._number, self._text, self._dictionary]

    def schema2jsonschema(self, schema: Any) -> Json:
        described: Json = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        instance = resolve_schema_instance(schema)
        if isinstance(instance, Schema):
            described[_PRESENT] = sorted(instance.always_present())
            described[_DERIVED] = sorted(instance.derived)
            described[_NULLABLE] = sorted(instance.null_is_missing())
            described[_RULES] = dict(instance.rules)
        return described

    def _number(self, field: fields.Field, **_kwargs: Any) -> Json:
        if not isinstance(field, Number):
            return {}
        kind = "number" if field.places else "integer"
        lenient = {"type": [kind, "string"], "pattern": _number_pattern(field)}
        return {"minimum": _plain(field.low), **_maximum(field), IN_REQUESTS: lenient}

    def _text(self, field: fields.Field, **_kwargs: Any) -> Json:
        return {IN_REQUESTS: {"pattern": r"\S"}} if isinstance(field, Text) and not field.blank else {}

    def _dictionary(self, field: fields.Field, ret: Json, **_kwargs: Any) -> Json:
        return {"additionalProperties": True} if ret.get("additionalProperties") == {} else {}


class HubMarshmallowPlugin(MarshmallowPlugin):
    """apispec's plugin with the converter of this module."""

    Converter = _Converter


def _number_pattern(field: Number) -> str:
    """A number as text. A pattern of JSON Schema is searched anywhere in a text, so it has its own anchors."""
    sign = "[+-]?" if field.low < 0 else "[+]?"
    digits = r"(\d+\.?\d*|\.\d+)" if field.places else r"\d+(\.0*)?"
    not_zero = r"(?=.*[1-9])" if field.low > 0 else ""
    return rf"^\s*{not_zero}{sign}{digits}\s*$"


def _plain(bound: Any) -> int | float:
    return int(bound) if bound == int(bound) else float(bound)


def _maximum(field: Number) -> Json:
    """A JSON number has the precision of a double, which may round the largest value up to the next one."""
    high = _plain(field.high)
    return {"exclusiveMaximum" if high > field.high else "maximum": _plain(high)}


def separate_forms(spec: Json) -> None:
    """Replace the schemas of ``spec`` by their forms; one that both sides use becomes ``Name`` and ``NameInput``."""
    schemas: dict[str, Json] = spec["components"]["schemas"]
    operations = [o for path in spec["paths"].values() for o in path.values() if isinstance(o, dict)]
    bodies = [operation["requestBody"] for operation in operations if "requestBody" in operation]
    requests = _reachable(bodies, schemas)
    answers = _reachable([operation["responses"] for operation in operations], schemas)
    names = {name: f"{name}Input" if name in answers else name for name in requests}
    forms = {name: _form(schemas[name], IN_ANSWERS, {}) for name in answers}
    forms |= {new: _form(schemas[name], IN_REQUESTS, names) for name, new in names.items()}
    spec["components"]["schemas"] = dict(sorted(forms.items()))
    for operation in operations:
        operation["parameters"] = [_form(one, "", {}) for one in operation.get("parameters", ())]
        if "requestBody" in operation:
            operation["requestBody"] = _form(operation["requestBody"], IN_REQUESTS, names)


def _reachable(roots: Any, schemas: Mapping[str, Json]) -> set[str]:
    found: set[str] = set()
    waiting = list(_references(roots))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PREFIX):
            yield reference.removeprefix(_PREFIX)
        yield from (name for child in value.values() for name in _references(child))
    elif isinstance(value, list):
        yield from (name for child in value for name in _references(child))


def _form(value: Any, side: str, names: Mapping[str, str]) -> Any:
    """A copy of a part of the document for one side, without the marks; ``names`` renames references."""
    if isinstance(value, list):
        return [_form(child, side, names) for child in value]
    if not isinstance(value, dict):
        return value
    if isinstance(reference := value.get("$ref"), str):
        name = reference.removeprefix(_PREFIX)
        return {**value, "$ref": _PREFIX + names.get(name, name)}
    chosen = {key: child for key, child in value.items() if not key.startswith("x-")}
    chosen |= _with_null_of(value, value.get(side, {}))
    if _PRESENT in value:
        chosen |= _request_object(value) if side == IN_REQUESTS else _answer_object(value)
        if side == IN_ANSWERS:
            chosen.pop("additionalProperties", None)
    if _is_long(chosen):
        chosen["format"] = "int64"
    return {key: child if key in _LITERAL else _form(child, side, names) for key, child in chosen.items()}


def _is_long(described: Json) -> bool:
    """Whether an integer can need more than 32 bits, which generated clients of typed languages have to know."""
    kind = described.get("type")
    is_integer = kind == "integer" or (isinstance(kind, list) and "integer" in kind)
    return is_integer and "format" not in described and described.get("maximum", MAX_ID) > _LARGEST_INT32


#: Keys whose values are data of a client, not parts of the document.
_LITERAL = frozenset({"example", "examples", "default", "enum"})


def _with_null_of(value: Json, changes: Json) -> Json:
    """``changes`` of a property, with null among the types if the property may be null."""
    if "type" not in changes or "null" not in value.get("type", ()):
        return changes
    types = changes["type"] if isinstance(changes["type"], list) else [changes["type"]]
    return {**changes, "type": [*types, "null"]}


def _request_object(value: Json) -> Json:
    properties = {key: child for key, child in value["properties"].items() if not child.get("readOnly")}
    properties |= {key: _nullable(properties[key]) for key in value[_NULLABLE]}
    derived = {key: {"description": _DERIVED_TEXT} for key in value[_DERIVED]}
    return {"properties": {**properties, **derived}, **value[_RULES]}


def _answer_object(value: Json) -> Json:
    properties = {
        key: {name: detail for name, detail in child.items() if name not in {"readOnly", "default"}}
        for key, child in value["properties"].items()
        if not child.get("writeOnly")
    }
    required = [key for key in value[_PRESENT] if key in properties]
    return {"properties": properties, **({"required": required} if required else {})}


def _nullable(child: Json) -> Json:
    if "$ref" in child:
        return {"anyOf": [child, {"type": "null"}]}
    types = child.get("type", [])
    types = types if isinstance(types, list) else [types]
    if not types or "null" in types:
        return child
    nullable = {**child, "type": [*types, "null"]}
    return nullable | {"enum": [*child["enum"], None]} if "enum" in child else nullable
