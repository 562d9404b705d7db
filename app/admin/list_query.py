"""What a list is asked for in its address, read by the same schema that the API reads it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from app.admin.i18n.translate import translate
from app.kernel.http.error_envelopes import flatten_errors


@dataclass(frozen=True, slots=True)
class Asked:
    """``values`` go to the service; ``shown`` is what was typed, for the form; ``faults`` tell what was left aside."""

    values: dict[str, Any]
    shown: Mapping[str, Any]
    faults: list[str]


def parse_filters(schema: Schema, **defaults: Any) -> Asked:
    """Read the present address; a filter that makes no sense is told and left aside, a blank one was not sent."""
    sent = _sent(schema)
    try:
        return Asked(schema.load({**defaults, **sent}, unknown=EXCLUDE), _shown(), [])
    except ValidationError as error:
        wrong: Mapping[Any, Any] = error.messages if isinstance(error.messages, Mapping) else {}
    sound = {name: value for name, value in sent.items() if name not in wrong}
    return Asked(schema.load({**defaults, **sound}, unknown=EXCLUDE), _shown(), list(_told(wrong)))


def link(**changes: Any) -> str:
    """The address of the present page with its filters and these changes, for the way through a list."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    return f"{request.path}?{urlencode([*kept, *changes.items()])}"


def _sent(schema: Schema) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for name, field in schema.load_fields.items():
        key = field.data_key or name
        values = [value for value in request.args.getlist(key) if value.strip()]
        if values:
            sent[key] = values if isinstance(field, fields.List) else values[-1]
    return sent


def _shown() -> Mapping[str, Any]:
    return {name: request.args.getlist(name)[-1] for name in request.args}


def _told(wrong: Mapping[Any, Any]) -> Iterator[str]:
    for name, faults in wrong.items():
        sentences = [translate(text) for _, texts in flatten_errors(faults) for text in texts]
        yield f"{name}: {' '.join(sentences)}"
