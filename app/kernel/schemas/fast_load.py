"""The quick way through a payload that has nothing wrong with it; whatever is unusual takes marshmallow's way.

Made from the schema itself, so that there is one declaration. What it accepts, it loads as the schema would; it
never refuses, it only declines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, missing

from app.kernel.schemas.fields import CalendarDate, Choice, Metadata, Number, Text


class Declined(Exception):
    """This value needs the whole schema."""


Load = Callable[[Any], Any]
_DATE_LENGTH, _EARLIEST = 10, 1900


def make_loader(schema: Schema) -> Load:
    """A function that loads what ``schema`` would load without a word.

    Raises:
        TypeError: the schema has something that this module does not know.
    """
    takes: dict[str, tuple[str, Load]] = {}
    required, defaults = [], {}
    for name, field in schema.load_fields.items():
        key, attribute = field.data_key or name, field.attribute or name
        takes[key] = (attribute, _optional(_take(field), nullable=field.allow_none))
        if field.required:
            required.append(key)
        elif field.load_default is not missing:
            defaults[attribute] = field.load_default
    if any(schema._hooks.values()) or any(callable(default) for default in defaults.values()):
        raise TypeError(f"{type(schema).__name__} does more than its fields say")
    return _object(takes, frozenset(required), defaults)


def _object(takes: Mapping[str, tuple[str, Load]], required: frozenset[str], defaults: Mapping[str, Any]) -> Load:
    def take(value: Any) -> dict[str, Any]:
        if type(value) is not dict or not required <= value.keys():
            raise Declined
        loaded = dict(defaults)
        try:
            for key, given in value.items():
                attribute, of_field = takes[key]
                loaded[attribute] = of_field(given)
        except KeyError as error:
            raise Declined from error
        return loaded

    return take


def _optional(take: Load, *, nullable: bool) -> Load:
    return (lambda value: None if value is None else take(value)) if nullable else take


def _take(field: fields.Field) -> Load:
    maker = _MAKERS.get(type(field))
    if maker is None or (field.validators and type(field) not in {Choice, fields.List}):
        raise TypeError(f"no quick way for {field!r}")
    return maker(field)


def _choice(field: Any) -> Load:
    [chosen] = field.validators
    words = frozenset(chosen.choices)

    def take(value: Any) -> str:
        if type(value) is str and value in words:
            return value
        raise Declined

    return take


def _text(field: Any) -> Load:
    limit, blank = field.limit, field.blank

    def take(value: Any) -> str:
        if type(value) is str and len(value) <= limit and "\0" not in value and (blank or value.strip()):
            return value
        raise Declined

    return take


def _number(field: Any) -> Load:
    low, high, places, text = field.low, field.high, field.places, -field.places

    def take(value: Any) -> Any:
        if type(value) is int:
            if low <= value <= high:
                return Decimal(value) if places else value
        elif places and type(value) is Decimal and low <= value <= high and value.as_tuple().exponent >= text:
            return value
        raise Declined

    return take


def _date(value: Any) -> date:
    if type(value) is str and len(value) == _DATE_LENGTH and value[4] == value[7] == "-" and value.isascii():
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise Declined from error
        if day.year >= _EARLIEST:
            return day
    raise Declined


def _metadata(field: Any) -> Load:
    def take(value: Any) -> Any:
        try:
            return field.deserialize(value)
        except ValidationError as error:
            raise Declined from error

    return take


def _list(field: Any) -> Load:
    [length] = field.validators
    of_one, least, most = _take(field.inner), length.min or 0, length.max or 0

    def take(value: Any) -> list[Any]:
        if type(value) is list and least <= len(value) <= most:
            return [of_one(one) for one in value]
        raise Declined

    return take


_MAKERS: Mapping[type[fields.Field], Callable[[Any], Load]] = {
    Choice: _choice,
    Text: _text,
    Number: _number,
    CalendarDate: lambda _field: _date,
    Metadata: _metadata,
    fields.List: _list,
    fields.Nested: lambda field: make_loader(field.schema),
}
