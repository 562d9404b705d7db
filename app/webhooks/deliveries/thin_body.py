"""Thin bodies: the ids and totals of an event that is larger than the limit of an endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from app.kernel import json

#: Fields that hold the number of an invoice or receipt in event bodies.
REFERENCE_FIELDS = ("invoice_no", "invoiceNo")
_MAX_TEXT_LENGTH = 200
#: The client's own object; it may be large, and it is no id and no total.
_METADATA = "metadata"

Selection = Callable[[Mapping[str, Any]], dict[str, Any]]


def thin_body(body: str, position: int, limit: int, hub_url: str = "") -> str:
    """Return the thin form of an event's body, at most ``limit`` bytes long.

    It says ``truncated`` and the address of the whole event in the log. Less and less data is kept until it fits.

    Args:
        hub_url: public address of the hub; without it the address of the event is a path.
    """
    event = json.decode(body)
    url = f"{hub_url}/api/v1/events?after={position - 1}&limit=1"
    head = {name: event[name] for name in ("event", "id", "created_at")} | {"truncated": True, "url": url}
    for select in _SELECTIONS:
        thin = json.encode_text({**head, "data": _select(event["data"], select)})
        if len(thin.encode()) <= limit:
            return thin
    return json.encode_text({**head, "data": {}})


def _select(data: Mapping[str, Any], select: Selection) -> dict[str, Any]:
    objects = {name: select(value) for name, value in data.items() if isinstance(value, dict)}
    return {**objects, **{name: value for name, value in data.items() if _is_short(value)}}


def _summary(subject: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the subject and of its objects, such as ``totals``; no lists, no long texts, no metadata."""
    summary: dict[str, Any] = {}
    for name, value in subject.items():
        if _is_short(value):
            summary[name] = value
        elif isinstance(value, dict) and name != _METADATA:
            summary[name] = {inner: item for inner, item in value.items() if _is_short(item)}
    return summary


def _numbers(subject: Mapping[str, Any]) -> dict[str, Any]:
    """Ids, totals and the number of the invoice or receipt."""
    return {
        name: value
        for name, value in subject.items()
        if (isinstance(value, int | float | Decimal) or name in REFERENCE_FIELDS) and _is_short(value)
    }


def _id(subject: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": subject["id"]} if _is_short(subject.get("id")) and "id" in subject else {}


_SELECTIONS: tuple[Selection, ...] = (_summary, _numbers, _id)


def _is_short(value: Any) -> bool:
    return not isinstance(value, dict | list) and len(str(value)) <= _MAX_TEXT_LENGTH
