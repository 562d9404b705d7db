"""Strict booleans: every body of every API takes ``true`` and ``false`` only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, fields

from app.kernel.http.app import Hub
from app.kernel.schemas.switch import Switch


def body_schemas(app: Hub) -> Iterator[tuple[str, Schema]]:
    for endpoint, view in app.view_functions.items():
        for method in getattr(getattr(view, "view_class", None), "methods", None) or ():
            function = getattr(view.view_class, method.lower(), None)  # type: ignore[attr-defined]
            arguments = getattr(function, "_apidoc", {}).get("arguments", {})
            for parameter in arguments.get("parameters", ()):
                if parameter["in"] == "json":
                    yield f"{method} {endpoint}", parameter["schema"]


def booleans(schema: Any, where: str) -> Iterator[tuple[str, fields.Field]]:
    schema = schema() if isinstance(schema, type) else schema
    for name, field in schema.load_fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            yield from booleans(inner.schema, f"{where}.{name}")
        elif isinstance(inner, fields.Boolean):
            yield f"{where}.{name}", inner


def test_bodies_have_strict_booleans(app: Hub) -> None:
    found = [pair for where, schema in body_schemas(app) for pair in booleans(schema, where)]
    assert found
    assert [name for name, field in found if not isinstance(field, Switch)] == []
