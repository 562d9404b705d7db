"""Fast dump: functions that are made from a schema and dump dictionaries and objects with the result of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields, missing
from marshmallow.decorators import POST_DUMP, PRE_DUMP

from app.kernel import clock
from app.kernel.money import plain_decimal
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Metadata, Number, Text, Timestamp
from app.kernel.schemas.list_field import List

Dump = Callable[[Any], Any]


def make_dumper(schema: Schema) -> Callable[[Any], dict[str, Any]]:
    """A function that dumps a dictionary or an object as ``schema`` would; missing keys and attributes are left out.

    Raises:
        TypeError: the schema has a field or a hook that this module does not support.
    """
    if (
        schema._hooks[PRE_DUMP]
        or schema._hooks[POST_DUMP]
        or any("." in str(f.attribute) for f in schema.fields.values())
    ):
        raise TypeError(f"{type(schema).__name__} has hooks of dumps, or paths; fast dump does not support them")
    dumpers = [
        (field.attribute or name, field.data_key or name, _field_dumper(field))
        for name, field in schema.dump_fields.items()
    ]

    def dump(value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            found = [(key, value[attribute], dump) for attribute, key, dump in dumpers if attribute in value]
        else:
            found = [(key, getattr(value, attribute, missing), dump) for attribute, key, dump in dumpers]
        return {key: each if each is None else dump(each) for key, each, dump in found if each is not missing}

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


def _nested(field: Any) -> Dump:
    dump = make_dumper(field.schema)
    return (lambda value: [dump(each) for each in value]) if field.many else dump


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
    fields.Nested: _nested,
}
