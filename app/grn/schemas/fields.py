"""Field types and schema bases of this API: dates as epoch milliseconds, quantities, comma lists, no nulls."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar

from marshmallow import post_dump, pre_load

from app.grn.models.columns import PLACES, WHOLE_DIGITS
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_, Message
from app.kernel.schemas.documentation import IN_ANSWERS, IN_REQUESTS
from app.kernel.schemas.fields import CalendarDate, HubField, Identifier, Number, Schema, Text

MAX_QUANTITY = f"{'9' * WHOLE_DIGITS}.{'9' * PLACES}"
#: Largest integer that every JSON reader keeps exactly; a sequence can continue after it.
MAX_ID = 2**53 - 1
MAX_ORDERS = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND, _DAY = timedelta(milliseconds=1), 86_400_000


class OmitNulls(Schema):
    """Schema base that leaves null fields out of answers, so that only some are always there."""

    #: Fields that are never null, besides the required ones.
    never_null: ClassVar[frozenset[str]] = frozenset()

    def always_present(self) -> frozenset[str]:
        return frozenset(
            field.data_key or name
            for name, field in self.dump_fields.items()
            if field.required or name in self.never_null
        )

    @post_dump
    def _without_nulls(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if value is not None}


class IgnoreDerived(Schema):
    """Schema base that ignores derived fields of a payload, so that the body of a GET can be sent back."""

    @pre_load
    def _without_derived(self, data: Any, **_kwargs: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if name not in self.derived}


class EpochDate(CalendarDate):
    """A date: ``yyyy-MM-dd`` in requests, epoch milliseconds at UTC midnight in answers.

    Requests may have epoch milliseconds too, so that the body of a GET can be sent back.
    """

    def __init__(self, **kwargs: Any) -> None:
        description = "The day as yyyy-MM-dd, or as epoch milliseconds at midnight UTC."
        kwargs["metadata"] = {
            IN_REQUESTS: {"type": ["string", "integer"], "description": description},
            IN_ANSWERS: {"type": "integer", "format": "int64", "description": "Epoch milliseconds at midnight UTC."},
            **kwargs.get("metadata", {}),
        }
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if isinstance(value, int) and not isinstance(value, bool):
            if value % _DAY:
                raise self.make_error("invalid")
            try:
                value = (_EPOCH + value * _MILLISECOND).date().isoformat()
            except OverflowError as error:
                raise self.make_error("impossible") from error
        return super()._deserialize(value, attr, data, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        return (datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) // _MILLISECOND


class EpochTimestamp(HubField):
    """A point in time as epoch milliseconds; only in answers."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {
            "type": "integer",
            "format": "int64",
            "description": "Epoch milliseconds.",
            **kwargs.get("metadata", {}),
        }
        super().__init__(dump_only=True, **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> int | None:
        return None if value is None else (value - _EPOCH) // _MILLISECOND


class CommaList(Text):
    """A list of identifiers as text, ``1000,1001``; empty entries are removed."""

    default_error_messages = {"many": Message(N_("List at most %(max)s."), max=MAX_ORDERS)}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(2000, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        entries = [clean_identifier(entry) for entry in super()._deserialize(value, attr, data, **kwargs).split(",")]
        entries = [entry for entry in entries if entry]
        if len(entries) > MAX_ORDERS:
            raise self.make_error("many")
        if any(len(entry) > 100 for entry in entries):  # noqa: PLR2004 - the width of the column
            raise self.make_error("long", limit=100)
        return entries or None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return ",".join(value) if value else None


class Measure(Number):
    """A number that is rounded half up to its places: a program that converts yards sends 109.58005249343833."""

    def _number(self, value: Any) -> Decimal:
        number = super()._number(value)
        if not self.low <= number <= self.high:
            return number
        # A length is not rounded to nothing.
        return number.quantize(self.step, ROUND_HALF_UP) or number


def quantity(**kwargs: Any) -> Measure:
    """A quantity, a measure or a percentage."""
    return Measure(0, MAX_QUANTITY, PLACES, **kwargs)


def optional_quantity(**kwargs: Any) -> Measure:
    return quantity(allow_none=True, **kwargs)


def signed_quantity(**kwargs: Any) -> Number:
    """A quantity that may be negative; only in answers."""
    return Number(f"-{MAX_QUANTITY}", MAX_QUANTITY, PLACES, dump_only=True, **kwargs)


def reference(**kwargs: Any) -> Number:
    """The id of a row."""
    return Number(1, MAX_ID, **kwargs)


def text(limit: int = 100, **kwargs: Any) -> Text:
    """Optional text; null is the same as no value."""
    return Text(limit, allow_none=True, **kwargs)


def required_text(limit: int = 100, **kwargs: Any) -> Text:
    return Text(limit, required=True, blank=False, **kwargs)


def identifier(limit: int = 100, **kwargs: Any) -> Identifier:
    """An optional number, code or name that is a key; null is the same as no value."""
    return Identifier(limit, allow_none=True, **kwargs)


def required_identifier(limit: int = 100, **kwargs: Any) -> Identifier:
    return Identifier(limit, required=True, blank=False, **kwargs)
