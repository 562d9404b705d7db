"""Fast load: functions that are made from a schema and load valid payloads with the same result as the schema.

For any value that is not plainly valid they raise ``Declined``. The schema itself then loads the payload or reports
the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, missing

from app.kernel.identifiers import clean_identifier
from app.kernel.schemas.empty_values import EmptyClearsSchema, EmptyIsMissingSchema
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Metadata, Number, Schema, Text
from app.kernel.schemas.list_field import List


class Declined(Exception):
    """The schema itself must load this value."""


Load = Callable[[Any], Any]
_DATE_LENGTH, _MIN_YEAR = 10, 1900


def make_loader(schema: Schema) -> Load:
    """A function that loads a valid payload as ``schema`` would, and raises ``Declined`` for any other.

    Raises:
        TypeError: the schema has a field, validator or hook that this module does not support.
    """
    loads: dict[str, tuple[str, Load]] = {}
    required, defaults = [], {}
    for name, field in schema.load_fields.items():
        key, attribute = field.data_key or name, field.attribute or name
        loads[key] = (attribute, _optional(_field_loader(field), nullable=field.allow_none))
        if field.required:
            required.append(key)
        elif field.load_default is not missing:
            defaults[attribute] = field.load_default
    if any(schema._hooks.values()) or any(callable(default) for default in defaults.values()):
        raise TypeError(f"{type(schema).__name__} has hooks or callable defaults; fast load does not support them")
    droppable = frozenset(loads).difference(required) if _drops_empties(schema) else frozenset[str]()
    return _object(loads, frozenset(required), defaults, droppable)


def _drops_empties(schema: Schema) -> bool:
    if isinstance(schema, EmptyClearsSchema):
        raise TypeError(f"fast load does not support {type(schema).__name__}")
    return isinstance(schema, EmptyIsMissingSchema) and schema.empty_is_missing


def _object(
    loads: Mapping[str, tuple[str, Load]],
    required: frozenset[str],
    defaults: Mapping[str, Any],
    droppable: frozenset[str],
) -> Load:
    """``droppable`` are the keys whose null or "" means that they were left out."""

    def load(value: Any) -> dict[str, Any]:
        if type(value) is not dict or not required <= value.keys():
            raise Declined
        loaded = dict(defaults)
        try:
            for key, given in value.items():
                if (given is None or given == "") and key in droppable:
                    continue
                attribute, load_field = loads[key]
                loaded[attribute] = load_field(given)
        except KeyError as error:
            raise Declined from error
        return loaded

    return load


def _optional(load: Load, *, nullable: bool) -> Load:
    return (lambda value: None if value is None else load(value)) if nullable else load


def _field_loader(field: fields.Field) -> Load:
    maker = _MAKERS.get(type(field))
    if maker is None or (field.validators and type(field) not in {Choice, List}):
        raise TypeError(f"fast load does not support {field!r}")
    return maker(field)


def _choice(field: Any) -> Load:
    [chosen] = field.validators
    choices = frozenset(chosen.choices)

    def load(value: Any) -> str:
        if type(value) is str and value in choices:
            return value
        raise Declined

    return load


def _text(field: Any) -> Load:
    limit, blank = field.limit, field.blank

    def load(value: Any) -> str:
        if type(value) is str and len(value) <= limit and "\0" not in value and (blank or value.strip()):
            return value
        raise Declined

    return load


def _identifier(field: Any) -> Load:
    limit = field.limit

    def load(value: Any) -> str:
        # A longer text may fit after cleaning, and a blank one may count as left out: the schema itself decides.
        if type(value) is str and len(value) <= limit and "\0" not in value:
            cleaned = clean_identifier(value)
            if cleaned and len(cleaned) <= limit:
                return cleaned
        raise Declined

    return load


def _number(field: Any) -> Load:
    low, high, places, text = field.low, field.high, field.places, -field.places

    def load(value: Any) -> Any:
        if type(value) is int:
            if low <= value <= high:
                return Decimal(value) if places else value
        elif places and type(value) is Decimal and low <= value <= high and value.as_tuple().exponent >= text:
            return value
        raise Declined

    return load


def _date(value: Any) -> date:
    if type(value) is str and len(value) == _DATE_LENGTH and value[4] == value[7] == "-" and value.isascii():
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise Declined from error
        if day.year >= _MIN_YEAR:
            return day
    raise Declined


def _metadata(field: Any) -> Load:
    def load(value: Any) -> Any:
        try:
            return field.deserialize(value)
        except ValidationError as error:
            raise Declined from error

    return load


def _list(field: Any) -> Load:
    [length] = field.validators
    load_item, low, high = _field_loader(field.inner), length.min or 0, length.max or 0

    def load(value: Any) -> list[Any]:
        if type(value) is list and low <= len(value) <= high:
            return [load_item(item) for item in value]
        raise Declined

    return load


_MAKERS: Mapping[type[fields.Field], Callable[[Any], Load]] = {
    Choice: _choice,
    Text: _text,
    Identifier: _identifier,
    Number: _number,
    CalendarDate: lambda _field: _date,
    Metadata: _metadata,
    List: _list,
    fields.Nested: lambda field: make_loader(field.schema),
}
