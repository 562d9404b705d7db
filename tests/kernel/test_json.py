"""Parsing of JSON from clients: duplicate keys and deep nesting are errors, everything else is kept."""

from __future__ import annotations

import json as standard_json
from collections.abc import Callable
from contextlib import suppress

import pytest
from flask.testing import FlaskClient
from hypothesis import given

from app.kernel import json
from app.kernel.errors import MalformedJson
from tests.factories import a_draft, a_receipt, a_sale
from tests.kernel.schemas.test_fields import JSON_VALUES
from tests.timing import assert_linear


@pytest.mark.parametrize(
    "raw",
    [
        '{"a": 1, "a": 2}',
        '{"a": 1, "\\u0061": 1}',
        '[{"b": [{"a" : 1,"a"\n:\t2}]}]',
        '{"a": {"x": 1}, "b\\":": {"x": 1, "y": 2, "x": 3}}',
    ],
)
def test_a_duplicate_key_is_refused(raw: str) -> None:
    with pytest.raises(MalformedJson, match="stands twice"):
        json.parse_strict(raw.encode())


@pytest.mark.parametrize("raw", ['{"a\\":": 1}', '{"a": "\\": ", "b": "\\":\\":"}', '[{"a": 1}, {"a": 1}]', '"a"', "7"])
def test_strings_that_look_like_keys_are_accepted(raw: str) -> None:
    assert json.parse_strict(raw.encode()) == standard_json.loads(raw)


@given(value=JSON_VALUES)
def test_json_without_duplicate_keys_is_read_unchanged(value: object) -> None:
    raw = standard_json.dumps(value).encode()
    assert json.parse_strict(raw) == json.decode(raw)


@pytest.mark.parametrize("depth", [json.MAX_DEPTH + 1, 500, 900, 5_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]"), ('[{"a":', "}]")])
def test_deep_nesting_is_refused_without_a_crash(depth: int, opening: str, closing: str) -> None:
    with pytest.raises(MalformedJson, match="nested"):
        json.parse_strict((opening * depth + '"\\":"' + closing * depth).encode())


def test_nesting_up_to_the_limit_is_accepted() -> None:
    raw = b"[" * json.MAX_DEPTH + b"]" * json.MAX_DEPTH
    assert json.parse_strict(raw) == standard_json.loads(raw)
    raw = b'{"a":' * json.MAX_DEPTH + b"7" + b"}" * json.MAX_DEPTH
    assert json.parse_strict(raw) == standard_json.loads(raw)


def test_a_body_of_too_many_values_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "MAX_VALUES", 1000)
    assert len(json.parse_strict(b"[" + b"0," * 998 + b"0]")) == 999
    monkeypatch.setattr(json, "decode", None)
    for values in (b"0,", b"[],", b'{"a":0},'):
        with pytest.raises(MalformedJson, match="more than 1000 values"):
            json.parse_strict(b"[" + values * 1000 + b"0]")


#: Bodies of ``n`` bytes or a little more whose scan could be repeated from many places.
HOSTILE_BODIES: dict[str, Callable[[int], bytes]] = {
    "spaces": lambda n: b'{"a":"' + b" " * n + b'"}',
    "quotes": lambda n: b'{"a":"' + b'\\" ' * (n // 3) + b'"}',
    "key ends": lambda n: b'{"a":"' + b'\\":' * (n // 3) + b'"}',
    "quotes before spaces": lambda n: b'{"a":"' + b'\\"' * (n // 4) + b" " * (n // 2) + b'"}',
    "space before a colon": lambda n: b'{"a"' + b" " * n + b":1}",
    "digits": lambda n: b'{"a":1.' + b"1" * n + b"}",
    "whole digits": lambda n: b'{"a":' + b"1" * n + b"}",
    "zeros": lambda n: b'{"a":[' + b"0," * (n // 2) + b"0]}",
    "keys": lambda n: b"{" + b",".join(b'"%x":1' % number for number in range(n // 10)) + b"}",
    "a key twice": lambda n: b'{"a":1,"a":"' + b" " * n + b'"}',
    "an open string": lambda n: b'{"a":"' + b"\\\\" * (n // 2),
    "wrong UTF-8": lambda n: b'{"a":"' + b" " * n + b'\xff"}',
}


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_the_time_of_parsing_grows_with_the_length(name: str) -> None:
    def parse(raw: bytes) -> None:
        with suppress(MalformedJson):
            json.parse_strict(raw)

    assert_linear(parse, HOSTILE_BODIES[name], 2**19)


def test_every_api_refuses_a_duplicate_key(client_as: object, erp: FlaskClient) -> None:
    admin: FlaskClient = client_as("admin")  # type: ignore[operator]
    for client, path, body in (
        (erp, "/api/sales/import/invoice/", a_sale()),
        (admin, "/api/invoices", a_receipt()),
        (admin, "/api/v1/einvoices", a_draft()),
    ):
        raw = standard_json.dumps(body)[:-1] + ', "metadata": {}, "metadata": {"a": 1}}'
        answer = client.post(path, data=raw, content_type="application/json")
        assert answer.status_code in {400, 403}, answer.data
        assert answer.status_code == 403 or "metadata" in answer.json["message"]
