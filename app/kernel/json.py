"""JSON without floats: numbers with a decimal point are read as ``Decimal`` and written exactly."""

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
#: The end of a key. String values may contain it too, so the number of matches is at least the number of keys.
_KEY_END = re.compile(rb'"[ \t\r\n]*:')
#: Some programs begin each UTF-8 file and body with it.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=plain_text)

#: Levels of nesting that a client may send. Python reports an error only near 1,000, and code that follows the nesting
#: (masking, PostgreSQL's ``jsonb``, a second encoding) has less room than the parser.
MAX_DEPTH = 100
#: Values that one body may hold. A body of 32 MiB with more of them would fill a gigabyte of memory.
MAX_VALUES = 3_000_000


def decode(raw: bytes | str) -> Any:
    """Parse strict JSON (RFC 8259: no NaN, no lone surrogates, UTF-8); a byte order mark is skipped.

    Raises:
        MalformedJson: the message contains the position and the reason.
    """
    if isinstance(raw, bytes):
        raw = raw.removeprefix(BYTE_ORDER_MARK)
    try:
        return _decoder.decode(raw)
    except InvalidOperation as error:
        raise MalformedJson(N_("The body is not valid JSON: a number's exponent is out of range.")) from error
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        if isinstance(raw, bytes) and not _is_utf8(raw):
            raise MalformedJson(N_("The body is not valid JSON: it is in another charset. Send UTF-8.")) from error
        raise MalformedJson(Message(N_("The body is not valid JSON: %(error)s"), error=error)) from error
    except RecursionError as error:
        raise MalformedJson(N_("The body is not valid JSON: it is nested too deeply.")) from error


def _is_utf8(raw: bytes) -> bool:
    if json.detect_encoding(raw) != "utf-8":  # UTF-16 and UTF-32 of English texts are valid UTF-8 with NULs
        return False
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def parse_strict(raw: bytes) -> Any:
    """Parse JSON of a client: a duplicate key in an object is an error too, because one value would be lost.

    The time is proportional to the length of ``raw``, whatever its content.

    Raises:
        MalformedJson: the message contains the position and the reason.
    """
    # Each value but the first follows one of these characters. Texts may contain them too, so this is an upper bound.
    if len(raw) > MAX_VALUES and sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise MalformedJson(Message(N_("The body has more than %(n)s values."), n=MAX_VALUES))
    value = decode(raw)
    # Comparing the counts takes microseconds and nearly always proves that no key was lost; otherwise parse again.
    if sum(1 for _ in _KEY_END.finditer(raw)) != _count_keys(value):
        json.loads(raw, object_pairs_hook=_refuse_duplicate_keys)
    return value


def _count_keys(value: Any) -> int:
    """The number of keys of all objects in ``value``.

    Raises:
        MalformedJson: ``value`` is nested deeper than ``MAX_DEPTH``.
    """
    count, depth, level = 0, 0, [value]
    while level:
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                count += len(node)
                below += node.values()
            elif type(node) is list:
                below += node
        depth += 1
        # The last level has only plain values, which is why it is one more.
        if depth > MAX_DEPTH + 1:
            raise MalformedJson(N_("The body is not valid JSON: it is nested too deeply."))
        level = below
    return count


def _refuse_duplicate_keys(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise MalformedJson(
                Message(N_("The body is not valid JSON: “%(key)s” stands twice in one object."), key=key[:100])
            )
        seen.add(key)


def encode(value: Any) -> bytes:
    """Compact UTF-8 JSON; decimals are written as numbers."""
    return _encoder.encode(value)


def encode_text(value: Any) -> str:
    """The same as ``str``, for database columns."""
    return _encoder.encode(value).decode()


class HubJsonProvider(JSONProvider):
    """Flask's JSON functions (``jsonify``, ``get_json``) with the same rules."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        return encode_text(obj)

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        return decode(s)
