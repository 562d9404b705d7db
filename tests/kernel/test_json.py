"""Parsing of JSON from clients: duplicate keys and deep nesting are errors, everything else is kept."""

from __future__ import annotations

import json as standard_json

import pytest
from flask.testing import FlaskClient
from hypothesis import given

from app.kernel import json
from app.kernel.errors import MalformedJson
from tests.factories import a_draft, a_receipt, a_sale
from tests.kernel.schemas.test_fields import JSON_VALUES


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


def test_deep_nesting_is_refused_without_a_crash() -> None:
    for depth in (500, 5_000, 100_000):
        raw = b'{"a":' * depth + b'"\\":"' + b"}" * depth
        try:
            json.parse_strict(raw)
        except MalformedJson as error:
            assert "nested" in error.message  # noqa: PT017 - the first depth is accepted


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
