"""Bodies and queries as real clients send them: byte order marks, charsets, empty bodies, blank parameters."""

from __future__ import annotations

import codecs

import pytest
from flask.testing import FlaskClient

from tests.kernel.conftest import SURFACES
from tests.kernel.http.test_error_handlers import assert_refused

JSON = "application/json"


@pytest.mark.parametrize("surface", SURFACES)
class TestBodies:
    @pytest.mark.parametrize("raw", [b'{"name": "Ay\xc5\x9fe"}', b'\r\n {"name": "Ay\xc5\x9fe"}'])
    def test_skips_a_byte_order_mark(self, probe: FlaskClient, surface: str, raw: bytes) -> None:
        answer = probe.post(f"{surface}/probe/", data=codecs.BOM_UTF8 + raw, content_type=JSON)
        assert answer.json == {"name": "Ayşe"}

    def test_finds_a_repeated_key_after_a_byte_order_mark(self, probe: FlaskClient, surface: str) -> None:
        raw = codecs.BOM_UTF8 + b'{"name": "a", "name": "b"}'
        answer = probe.post(f"{surface}/probe/", data=raw, content_type=JSON)
        assert "twice" in assert_refused(answer, surface, 400)["message"]

    def test_reports_invalid_values_after_a_byte_order_mark(self, probe: FlaskClient, surface: str) -> None:
        answer = probe.post(f"{surface}/probe/", data=codecs.BOM_UTF8 + b'{"count": 0}', content_type=JSON)
        assert answer.status_code in {400, 422}
        assert "count" in answer.text

    @pytest.mark.parametrize(
        ("charset", "encoding"),
        [
            ("iso-8859-1", "iso-8859-1"),
            ("ISO-8859-9", "iso-8859-9"),
            ("windows-1254", "cp1254"),
            ('"utf-16"', "utf-16"),
            ("utf-32le", "utf-32-le"),
            ("unknown", "utf-8"),
        ],
    )
    def test_refuses_another_charset(self, probe: FlaskClient, surface: str, charset: str, encoding: str) -> None:
        body = '{"name": "Ü"}'.encode(encoding)
        answer = probe.post(f"{surface}/probe/", data=body, content_type=f"{JSON}; charset={charset}")
        assert "send UTF-8" in assert_refused(answer, surface, 415)["message"]

    @pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", "UTF_8", "us-ascii", ""])
    def test_takes_every_name_of_utf8(self, probe: FlaskClient, surface: str, charset: str) -> None:
        answer = probe.post(f"{surface}/probe/", data=b'{"name": "A"}', content_type=f"{JSON}; charset={charset}")
        assert answer.json == {"name": "A"}

    @pytest.mark.parametrize("raw", ['{"name": "Ü"}'.encode("cp1254"), '{"name": "A"}'.encode("utf-16-le")])
    def test_says_what_to_send_when_the_charset_is_not_named(
        self, probe: FlaskClient, surface: str, raw: bytes
    ) -> None:
        answer = probe.post(f"{surface}/probe/", data=raw, content_type=JSON)
        assert "Send UTF-8" in assert_refused(answer, surface, 400)["message"]

    @pytest.mark.parametrize("raw", [b"", b" \r\n", codecs.BOM_UTF8])
    @pytest.mark.parametrize("content_type", [None, JSON, "application/x-www-form-urlencoded"])
    def test_a_post_without_required_fields_needs_no_body(
        self, probe: FlaskClient, surface: str, raw: bytes, content_type: str | None
    ) -> None:
        answer = probe.post(f"{surface}/probe/", data=raw, content_type=content_type)
        assert (answer.status_code, answer.json) == (200, {})

    def test_a_request_without_a_body_may_name_any_charset(self, probe: FlaskClient, surface: str) -> None:
        answer = probe.post(f"{surface}/probe/", content_type=f"{JSON}; charset=iso-8859-1")
        assert (answer.status_code, answer.json) == (200, {})
