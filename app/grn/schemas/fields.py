"""Field types of this surface: days as epoch milliseconds, quantities, comma lists, answers without nulls."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from marshmallow import post_dump, pre_load

from app.grn.models.columns import PLACES, WHOLE_DIGITS
from app.kernel.messages import N_, Message
from app.kernel.schemas.fields import CalendarDate, HubField, Number, Schema, Text

LARGEST_QUANTITY = f"{'9' * WHOLE_DIGITS}.{'9' * PLACES}"
#: Whole numbers up to here are exact in every JSON reader, and leave a sequence room to go on behind them.
LARGEST_ID = 2**53 - 1
MOST_ORDERS = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND, _DAY = timedelta(milliseconds=1), 86_400_000


class Compact(Schema):
    """Leaves null fields out of answers."""

    @post_dump
    def _without_nulls(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if value is not None}


class PutBack(Schema):
    """Takes what a read answered with: fields that are derived are known, and ignored."""

    derived: frozenset[str] = frozenset()

    @pre_load
    def _without_derived(self, data: Any, **_kwargs: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if name not in self.derived}


class Day(CalendarDate):
    """A day: ``yyyy-MM-dd`` on the way in, epoch milliseconds at UTC midnight on the way out.

    What went out may come in again, so that a receipt that was read can be put back.
    """

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


class Moment(HubField):
    """A moment as epoch milliseconds; only ever an answer."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["metadata"] = {"type": "integer", "description": "Epoch milliseconds.", **kwargs.get("metadata", {})}
        super().__init__(dump_only=True, **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> int | None:
        return None if value is None else (value - _EPOCH) // _MILLISECOND


class CommaList(Text):
    """``1000,1001``: kept as a list, shown as it came but for white space and empty places."""

    default_error_messages = {"many": Message(N_("List at most %(max)s."), max=MOST_ORDERS)}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(2000, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        words = [word.strip() for word in super()._deserialize(value, attr, data, **kwargs).split(",")]
        words = [word for word in words if word]
        if len(words) > MOST_ORDERS:
            raise self.make_error("many")
        if any(len(word) > 100 for word in words):  # noqa: PLR2004 - the width of the column
            raise self.make_error("long", limit=100)
        return words or None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return ",".join(value) if value else None


def quantity(**kwargs: Any) -> Number:
    """A quantity, a measure or a percentage."""
    return Number(0, LARGEST_QUANTITY, PLACES, **kwargs)


def optional_quantity(**kwargs: Any) -> Number:
    return quantity(allow_none=True, **kwargs)


def signed_quantity(**kwargs: Any) -> Number:
    """The difference of sums; only ever an answer."""
    return Number(f"-{LARGEST_QUANTITY}", LARGEST_QUANTITY, PLACES, dump_only=True, **kwargs)


def reference(**kwargs: Any) -> Number:
    """The id of a row."""
    return Number(1, LARGEST_ID, **kwargs)


def words(limit: int = 100, **kwargs: Any) -> Text:
    """Optional text; null says the same as leaving it out."""
    return Text(limit, allow_none=True, **kwargs)


def required_words(limit: int = 100, **kwargs: Any) -> Text:
    return Text(limit, required=True, blank=False, **kwargs)
