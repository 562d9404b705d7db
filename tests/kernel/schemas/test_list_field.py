"""Lists: length before elements, an end after many errors, and every request schema of the application."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema, ValidationError, fields

from app.kernel.http.app import Hub
from app.kernel.schemas import validators
from app.kernel.schemas.error_limits import MAX_ERRORS, count_errors
from app.kernel.schemas.fields import Number
from app.kernel.schemas.fields import Schema as HubSchema
from app.kernel.schemas.list_field import List

#: Elements of a body of 1 MiB, and the seconds that checking them may take; without the limit it takes 15 and more.
MANY, SECONDS = 500_000, 1.0


class Numbers(HubSchema):
    numbers = List(Number(0, 9), validate=validators.Length(1, 1000))


class Unlimited(HubSchema):
    numbers = List(Number(0, 9), validate=validators.Length(1))


def errors_of(schema: Schema, payload: Any) -> Any:
    with pytest.raises(ValidationError) as raised:
        schema.load(payload)
    return raised.value.normalized_messages()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("value", [{}, {"a": 1}, "12", 1, True])
def test_only_a_list_is_a_list(value: Any) -> None:
    assert errors_of(Numbers(), {"numbers": value}) == {"numbers": ["Expected a list."]}


@pytest.mark.parametrize("value", [[], ["wrong"] * 1001])
def test_the_length_is_checked_before_the_elements(value: Any) -> None:
    assert errors_of(Numbers(), {"numbers": value}) == {"numbers": ["Length must be between 1 and 1000."]}


def test_elements_after_many_errors_are_not_checked() -> None:
    errors = errors_of(Numbers(), {"numbers": [1, *["wrong"] * 999]})["numbers"]
    assert list(errors) == list(range(1, MAX_ERRORS + 2))
    assert errors[MAX_ERRORS + 1] == ["0 more errors are not shown, and 899 values were not checked."]
    assert Numbers().load({"numbers": [1, "2"]}) == {"numbers": [1, 2]}


def test_a_list_of_a_request_needs_a_limit() -> None:
    with pytest.raises(TypeError, match="Length with max"):
        Unlimited().load({"numbers": [1]})


def body_schemas(app: Hub) -> Iterator[Schema]:
    """The schema of each body and query that an operation reads."""
    for view in app.view_functions.values():
        methods = getattr(getattr(view, "view_class", None), "methods", None) or ()
        for handler in (getattr(view.view_class, method.lower()) for method in methods):  # type: ignore[attr-defined]
            for parameter in getattr(handler, "_apidoc", {}).get("arguments", {}).get("parameters", []):
                if isinstance(parameter.get("schema"), Schema):
                    yield parameter["schema"]


def lists_of(schema: Schema, seen: set[type]) -> Iterator[tuple[Schema, str]]:
    """All lists that a schema loads, with the schema that holds them."""
    if type(schema) in seen:
        return
    seen.add(type(schema))
    for name, field in schema.load_fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(field, fields.List):
            yield schema, field.data_key or name
        if isinstance(inner, fields.Nested):
            yield from lists_of(inner.schema, seen)


def test_every_list_of_every_request_is_limited(app: Hub) -> None:
    """Each list of each request gets half a million wrong elements, as a body of 1 MiB may have."""
    seen: set[type] = set()
    tried = [(type(schema).__name__, key) for one in body_schemas(app) for schema, key in lists_of(one, seen)]
    assert len(tried) > 15
    many = [0] * MANY
    seen.clear()
    for one in body_schemas(app):
        for schema, key in lists_of(one, seen):
            started = time.process_time()
            errors = errors_of(schema, [{key: many}] if schema.many else {key: many})
            assert time.process_time() - started < SECONDS, key
            assert count_errors(errors) < 2 * MAX_ERRORS, key
        if one.many:
            assert count_errors(errors_of(one, many)) < 2 * MAX_ERRORS
