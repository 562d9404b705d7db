"""JSON without floats: numbers with a point are ``Decimal`` on the way in and stay exact on the way out."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from flask.json.provider import JSONProvider

from app.kernel.errors import MalformedJson
from app.kernel.messages import N_, Message, plain_text

_decoder = msgspec.json.Decoder(float_hook=Decimal)
#: What ends a key; texts may hold it too, so there are at least as many of these as keys.
_KEY_END = re.compile(rb'"[ \t\r\n]*:')
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=plain_text)


def decode(raw: bytes | str) -> Any:
    """Parse strict JSON (RFC 8259: no NaN, no lone surrogates, UTF-8).

    Raises:
        MalformedJson: with where and why.
    """
    try:
        return _decoder.decode(raw)
    except InvalidOperation as error:
        raise MalformedJson(N_("The body is not valid JSON: a number's exponent is out of range.")) from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise MalformedJson(Message(N_("The body is not valid JSON: %(error)s"), error=error)) from error
    except RecursionError as error:
        raise MalformedJson(N_("The body is not valid JSON: it is nested too deeply.")) from error


def parse_strict(raw: bytes) -> Any:
    """The same for what a client sent: a key that stands twice in one object is refused, for one value would be lost.

    Raises:
        MalformedJson: with where and why.
    """
    value = decode(raw)
    # The count proves nearly always that no key was lost, for a few microseconds; only else is it read again.
    if len(_KEY_END.findall(raw)) != _keys(value):
        try:
            json.loads(raw, object_pairs_hook=_unique)
        except RecursionError as error:
            raise MalformedJson(N_("The body is not valid JSON: it is nested too deeply.")) from error
    return value


def _keys(value: Any) -> int:
    found, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            found += len(one)
            waiting += one.values()
        elif type(one) is list:
            waiting += one
    return found


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise MalformedJson(
                Message(N_("The body is not valid JSON: “%(key)s” stands twice in one object."), key=key[:100])
            )
        seen.add(key)


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON; decimals as plain numbers."""
    return _encoder.encode(value)


def encode_text(value: Any) -> str:
    """The same as text, the form that database columns take."""
    return _encoder.encode(value).decode()


class HubJsonProvider(JSONProvider):
    """Makes Flask's own JSON (``jsonify``, ``get_json``) follow the same rules."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        return encode_text(obj)

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        return decode(s)
