"""Fast dump: functions that are made from a schema and dump dictionaries with the same result as the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields

from app.kernel import clock
from app.kernel.money import plain_decimal
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Metadata, Number, Text, Timestamp
from app.kernel.schemas.list_field import List

Dump = Callable[[Any], Any]


def make_dumper(schema: Schema) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function that dumps a dictionary as ``schema`` would; missing keys are left out.

    Raises:
        TypeError: the schema has a field type that this module does not support.
    """
    dumpers = [
        (field.attribute or name, field.data_key or name, _field_dumper(field))
        for name, field in schema.dump_fields.items()
    ]

    def dump(value: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: None if value[attribute] is None else dump_field(value[attribute])
            for attribute, key, dump_field in dumpers
            if attribute in value
        }

    return dump


def _field_dumper(field: fields.Field) -> Dump:
    maker = _MAKERS.get(type(field))
    if maker is None:
        raise TypeError(f"fast dump does not support {field!r}")
    return maker(field)


def _same(_field: Any) -> Dump:
    return lambda value: value


def _number(field: Any) -> Dump:
    return plain_decimal if field.places else int


def _list(field: Any) -> Dump:
    dump_item = _field_dumper(field.inner)
    return lambda value: [dump_item(item) for item in value]


_MAKERS: Mapping[type[fields.Field], Callable[[Any], Dump]] = {
    fields.String: _same,
    fields.Integer: _same,
    fields.Boolean: _same,
    fields.Raw: _same,
    Metadata: _same,
    Choice: _same,
    Text: _same,
    Identifier: _same,
    Number: _number,
    CalendarDate: lambda _field: lambda value: value.isoformat(),
    Timestamp: lambda _field: clock.iso,
    List: _list,
    fields.Nested: lambda field: make_dumper(field.schema),
}
