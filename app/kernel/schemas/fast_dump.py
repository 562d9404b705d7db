"""The quick way out for dictionaries: shows what the schema would show, made from the schema itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from app.kernel import clock
from app.kernel.money import plain_decimal
from app.kernel.schemas.fields import CalendarDate, Choice, Number, Text, Timestamp

Dump = Callable[[Any], Any]


def make_dumper(schema: Schema) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function that dumps a dictionary as ``schema`` would; what the dictionary lacks is left out.

    Raises:
        TypeError: the schema has something that this module does not know.
    """
    shows = [
        (field.attribute or name, field.data_key or name, _show(field)) for name, field in schema.dump_fields.items()
    ]

    def dump(value: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: None if value[attribute] is None else show(value[attribute])
            for attribute, key, show in shows
            if attribute in value
        }

    return dump


def _show(field: fields.Field) -> Dump:
    maker = _MAKERS.get(type(field))
    if maker is None:
        raise TypeError(f"no quick way for {field!r}")
    return maker(field)


def _same(_field: Any) -> Dump:
    return lambda value: value


def _number(field: Any) -> Dump:
    return plain_decimal if field.places else int


def _list(field: Any) -> Dump:
    of_one = _show(field.inner)
    return lambda value: [of_one(one) for one in value]


_MAKERS: Mapping[type[fields.Field], Callable[[Any], Dump]] = {
    fields.String: _same,
    fields.Integer: _same,
    fields.Boolean: _same,
    fields.Raw: _same,
    Choice: _same,
    Text: _same,
    Number: _number,
    CalendarDate: lambda _field: lambda value: value.isoformat(),
    Timestamp: lambda _field: clock.iso,
    fields.List: _list,
    fields.Nested: lambda field: make_dumper(field.schema),
}
