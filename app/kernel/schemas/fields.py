"""Field types of all payloads; each field has a strict type and bounds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import fields

from app.config import KIB
from app.kernel import clock, json
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_, Message
from app.kernel.money import plain_decimal
from app.kernel.schemas import validators
from app.kernel.schemas.documentation import DocumentedSchema

METADATA_LIMIT = 16 * KIB
METADATA_DEPTH = 32
#: Characters that an identifier may have beyond its limit, if they are removed from its ends: columns of fixed width.
PADDING_LIMIT = 1000
_NUMERIC = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})", re.ASCII)

fields.Field.default_error_messages = {
    **fields.Field.default_error_messages,
    "required": N_("This field is required."),
    "null": N_("This field may not be null."),
}
fields.Nested.default_error_messages = {"type": N_("Expected an object.")}


class HubField(fields.Field):
    """The base of the hub's own fields: errors are messages, whose texts are in percent style."""

    def make_error(self, key: str, **values: Any) -> ma.ValidationError:
        """The error ``key`` of ``error_messages`` with its values."""
        text: Any = self.error_messages[key]  # marshmallow lets it be a list or a mapping too
        return ma.ValidationError(Message(text, **values) if values else text)


class Schema(DocumentedSchema):
    """Base class of all schemas; unknown fields are errors."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {"unknown": N_("Unknown field."), "type": N_("Expected an object.")}


class Text(HubField, fields.String):
    """A string of at most ``limit`` characters without NUL; ``blank=False`` also refuses white space alone."""

    default_error_messages = {
        "invalid": N_("Expected a string."),
        "nul": N_("NUL characters are not allowed."),
        "blank": N_("This field may not be blank."),
        "long": N_("Ensure this field has no more than %(limit)s characters."),
    }

    def __init__(self, limit: int, *, blank: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("metadata", {}).setdefault("maxLength", limit)
        super().__init__(**kwargs)
        self.limit = limit
        self.blank = blank

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if "\0" in value:
            raise self.make_error("nul")
        if len(value) > self.limit:
            raise self.make_error("long", limit=self.limit)
        if not self.blank and not value.strip():
            raise self.make_error("blank")
        return value


class Identifier(Text):
    """A number, a code or a name that is a key: cleaned (``clean_identifier``) before anything else uses it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, str) and "\0" not in value and len(value) <= self.limit + PADDING_LIMIT:
            value = clean_identifier(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Number(HubField):
    """An exact number between ``low`` and ``high`` with at most ``places`` decimals; numeric strings count."""

    default_error_messages = {
        "invalid": N_("A valid number is required."),
        "low": N_("Ensure this value is greater than or equal to %(low)s."),
        "high": N_("Ensure this value is less than or equal to %(high)s."),
        "places": N_("Ensure that there are no more than %(places)s decimal places."),
        "whole": N_("A whole number is required."),
    }

    def __init__(self, low: int | Decimal | str, high: int | Decimal | str, places: int = 0, **kwargs: Any) -> None:
        self.low, self.high, self.places = Decimal(low), Decimal(high), places
        self.step = Decimal(1).scaleb(-places)
        kwargs["metadata"] = {"type": "number" if places else "integer", **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | Decimal:
        number = self._number(value)
        if number < self.low:
            raise self.make_error("low", low=self.low)
        if number > self.high:
            raise self.make_error("high", high=self.high)
        # Check the bounds first: quantizing 1e999999999 would exhaust the memory.
        if number != number.quantize(self.step):
            raise self.make_error("places" if self.places else "whole", places=self.places)
        if not self.places:
            return int(number)
        return number or Decimal(0)  # never -0

    def _number(self, value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            raise self.make_error("invalid")
        if isinstance(value, str) and not _NUMERIC.fullmatch(value.strip()):
            raise self.make_error("invalid")
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise self.make_error("invalid") from error
        if not number.is_finite():
            raise self.make_error("invalid")
        return number

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> int | Decimal | None:
        if value is None:
            return None
        if not self.places:
            return int(value)
        return plain_decimal(value if isinstance(value, Decimal) else Decimal(value))


class CalendarDate(HubField):
    """A day of the Gregorian calendar as ``YYYY-MM-DD``, from 1900 to 9999."""

    default_error_messages = {
        "invalid": N_("Date has wrong format. Use YYYY-MM-DD."),
        "impossible": N_("Not a date of the calendar from 1900-01-01."),
    }
    _SHAPE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "string", "format": "date", **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not self._SHAPE.fullmatch(value):
            raise self.make_error("invalid")
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise self.make_error("impossible") from error
        if day.year < 1900:  # noqa: PLR2004 - a typo, not a goods receipt of the 19th century
            raise self.make_error("impossible")
        return day

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.isoformat()


class Timestamp(HubField):
    """A moment, sent as ISO 8601 in UTC; for answers only."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "string", "format": "date-time", **kwargs.get("metadata", {})}
        super().__init__(dump_only=True, **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else clock.iso(value)


class DateTime(HubField):
    """A moment as ISO 8601; the default zone is UTC, the default time midnight."""

    default_error_messages = {"invalid": N_("Expected a moment as ISO 8601, for instance 2026-02-01T12:00:00Z.")}

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "string", "format": "date-time", **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            # A plus sign that a client did not encode in the URL arrives as a space.
            moment = datetime.fromisoformat(value.strip().replace(" ", "+") if "T" in value else value.strip())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise self.make_error("invalid") from error

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else clock.iso(value)


class Choice(HubField, fields.String):
    """One of a fixed set of strings."""

    default_error_messages = {"invalid": N_("Expected a string.")}

    def __init__(self, *choices: str, **kwargs: Any) -> None:
        super().__init__(validate=validators.OneOf(choices), **kwargs)


class Cursor(HubField, fields.String):
    """Position in a list; blank is a value: it asks for the first page of a reading by cursor."""

    blank_is_a_value: ClassVar[bool] = True


class Metadata(HubField):
    """A JSON object of the client, at most 16 KiB, stored and returned unchanged; ``[]`` is an empty object.

    PHP writes an empty map as ``[]``.
    """

    default_error_messages = {
        "invalid": N_("Expected an object."),
        "large": Message(N_("Ensure this object has no more than %(n)s bytes of JSON."), n=METADATA_LIMIT),
        "deep": Message(N_("Ensure this object is nested no deeper than %(n)s levels."), n=METADATA_DEPTH),
        "nul": N_("NUL characters are not allowed."),
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "object", "additionalProperties": True, **kwargs.get("metadata", {})}
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if value == []:
            return {}
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        if _depth(value, METADATA_DEPTH) > METADATA_DEPTH:
            raise self.make_error("deep")
        text = json.encode_text(value)
        if len(text.encode()) > METADATA_LIMIT:
            raise self.make_error("large")
        if "\\u0000" in text and has_nul(value):
            raise self.make_error("nul")
        return value


def _depth(value: Any, limit: int) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if children is None or limit < 0:
        return 0
    return 1 + max((_depth(child, limit - 1) for child in children), default=0)


def has_nul(value: Any) -> bool:
    """Whether a string in a JSON value contains NUL, which PostgreSQL cannot store."""
    if isinstance(value, dict):
        return any(has_nul(key) or has_nul(child) for key, child in value.items())
    if isinstance(value, list):
        return any(has_nul(child) for child in value)
    return isinstance(value, str) and "\0" in value
