"""Filters of a list from the query string, validated by the schema of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from app.admin.i18n.translate import translate
from app.admin.local_times import with_offset
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.schemas.fields import DateTime, Identifier
from app.kernel.schemas.fields import Schema as HubSchema
from app.kernel.schemas.list_field import List


@dataclass(frozen=True, slots=True)
class Filters:
    """Valid ``values`` for the service, ``raw`` values as typed for the form, ``errors`` of ignored filters."""

    values: dict[str, Any]
    raw: Mapping[str, Any]
    errors: list[str]


class TextSearch(HubSchema):
    """The filter of a list that has a search only."""

    search = Identifier(100)


def parse_filters(schema: Schema, **defaults: Any) -> Filters:
    """Parse the query string; an invalid filter is ignored and reported, a blank one counts as not sent."""
    sent = _sent_values(schema)
    try:
        return Filters(schema.load({**defaults, **sent}, unknown=EXCLUDE), _raw_values(), [])
    except ValidationError as error:
        invalid: Mapping[Any, Any] = error.messages if isinstance(error.messages, Mapping) else {}
    valid = {name: value for name, value in sent.items() if name not in invalid}
    return Filters(schema.load({**defaults, **valid}, unknown=EXCLUDE), _raw_values(), list(_error_texts(invalid)))


def link(**changes: Any) -> str:
    """URL of the present page with its filters and ``changes``; a parameter that is changed to None is left out."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if value and name not in changes]
    query = urlencode([*kept, *((name, value) for name, value in changes.items() if value is not None)])
    return f"{request.path}?{query}" if query else request.path


class Pages(NamedTuple):
    """Links from one page to others; None: there is no such page."""

    first_url: str | None
    previous_url: str | None
    next_url: str | None


def numbered_pages(number: int, total: int) -> Pages:
    """The links of page ``number``, counted from 0, of ``total`` pages; the address names it as ``page``."""
    before, after = (link(page=other) if 0 <= other < total else None for other in (number - 1, number + 1))
    return Pages(link(page=None) if number else None, before, after)


def _sent_values(schema: Schema) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for name, field in schema.load_fields.items():
        key = field.data_key or name
        values = [value for value in request.args.getlist(key) if value.strip()]
        if values:
            sent[key] = values if isinstance(field, List) else _local(field, values[-1])
    return sent


def _local(field: fields.Field[Any], value: str) -> str:
    return with_offset(value) if isinstance(field, DateTime | fields.AwareDateTime) else value


def _raw_values() -> Mapping[str, Any]:
    return {name: request.args.getlist(name)[-1] for name in request.args}


def _error_texts(invalid: Mapping[Any, Any]) -> Iterator[str]:
    for name, errors in invalid.items():
        messages = [translate(text) for _, texts in flatten_errors(errors) for text in texts]
        yield f"{name}: {' '.join(messages)}"
