"""Every failure is answered as JSON in the error envelope of its API."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.kernel.conftest import SURFACES

pytestmark = pytest.mark.parametrize("surface", SURFACES)


SALES, GRN = "/api/sales", "/api/invoices"


def assert_refused(answer: TestResponse, surface: str, status: int) -> dict[str, Any]:
    """``answer`` is a refusal in the shape of ``surface``; returns its body."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/json"
    body: dict[str, Any] = answer.json
    if surface == SALES:
        assert body["success"] is False
        assert set(body) <= {"success", "message", "errors", "data", "code"}
    elif surface == GRN:
        assert body["status"] == status
        assert body["code"] // 100 == status
        assert set(body) <= {"status", "code", "message", "errors"}
    else:
        assert set(body) <= {"message", "errors", "error"}
    assert body["message"]
    assert "Traceback" not in answer.text
    return body


def invalid_status(surface: str) -> int:
    return 400 if surface in {SALES, GRN} else 422


class TestUnreadableRequests:
    @pytest.mark.parametrize(
        "raw",
        [
            b"{",
            b"{'a': 1}",
            b'{"price": NaN}',
            b'{"price": Infinity}',
            b'{"price": 1e99999999999999999999}',
            b'{"name": "\\ud800"}',
            b'{"name": "\xff"}',
            b'{"count": ' + b"9" * 5000 + b"}",
            b"[" * 60_000,
            '{"name": "é"}'.encode("utf-16"),
        ],
        ids=lambda raw: str(raw[:24]),
    )
    def test_broken_json_is_a_bad_request(self, probe: FlaskClient, surface: str, raw: bytes) -> None:
        answer = probe.post(f"{surface}/probe/", data=raw, content_type="application/json")
        assert "not valid JSON" in assert_refused(answer, surface, 400)["message"]

    @pytest.mark.parametrize("raw", [b"", b"  \n"])
    def test_an_empty_body_has_its_own_message(self, probe: FlaskClient, surface: str, raw: bytes) -> None:
        answer = probe.patch(f"{surface}/probe/", data=raw, content_type="application/json")
        assert "empty" in assert_refused(answer, surface, 400)["message"]

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/html", ""])
    def test_another_content_type_is_unsupported(self, probe: FlaskClient, surface: str, content_type: str) -> None:
        answer = probe.post(f"{surface}/probe/", data="{}", content_type=content_type)
        assert "application/json" in assert_refused(answer, surface, 415)["message"]

    def test_a_compressed_body_is_unsupported(self, probe: FlaskClient, surface: str) -> None:
        compressed = {"data": gzip.compress(b"{}"), "headers": {"Content-Encoding": "gzip"}}
        answer = probe.post(f"{surface}/probe/", content_type="application/json", **compressed)
        assert "Content-Encoding" in assert_refused(answer, surface, 415)["message"]

    @pytest.mark.parametrize("raw", ["[]", '"text"', "1", "null", "true"])
    def test_json_that_is_not_an_object_is_invalid(self, probe: FlaskClient, surface: str, raw: str) -> None:
        answer = probe.post(f"{surface}/probe/", data=raw, content_type="application/json")
        assert "Expected an object." in str(assert_refused(answer, surface, invalid_status(surface)))

    def test_a_large_body_is_refused(self, probe: FlaskClient, surface: str) -> None:
        answer = probe.post(f"{surface}/probe/", data=b" " * 70_000, content_type="application/json")
        assert_refused(answer, surface, 413)

    def test_a_large_body_in_chunks_is_refused(self, probe: FlaskClient, surface: str) -> None:
        chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        answer = probe.post(
            f"{surface}/probe/",
            input_stream=io.BytesIO(b" " * 70_000),
            content_type="application/json",
            environ_overrides=chunked,
        )
        assert_refused(answer, surface, 413)


class TestErrors:
    def test_an_unknown_path(self, probe: FlaskClient, surface: str) -> None:
        assert_refused(probe.get(f"{surface}/no/such/thing"), surface, 404)

    def test_an_unsupported_method_is_answered_with_the_allowed_ones(self, probe: FlaskClient, surface: str) -> None:
        answer = probe.delete(f"{surface}/probe/")
        assert_refused(answer, surface, 405)
        assert {"PATCH", "POST", "OPTIONS"} == set(answer.headers["Allow"].split(", "))

    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            ("Unauthenticated", 401),
            ("Forbidden", 403),
            ("NotFound", 404),
            ("Conflict", 409),
            ("Unprocessable", 422),
            ("TooManyRequests", 429),
            ("Busy", 503),
        ],
    )
    def test_a_refusal_keeps_its_status(self, probe: FlaskClient, surface: str, kind: str, status: int) -> None:
        assert_refused(probe.get(f"{surface}/probe/{kind}"), surface, status)

    def test_a_401_names_the_authentication_scheme(self, probe: FlaskClient, surface: str) -> None:
        assert probe.get(f"{surface}/probe/Unauthenticated").headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize("kind", ["crash", "programming", "check", "driver-check", "missing-file"])
    def test_an_internal_error_reveals_nothing(
        self, probe: FlaskClient, surface: str, kind: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        body = assert_refused(probe.get(f"{surface}/probe/{kind}"), surface, 500)
        assert body["message"] == "Server Error"

    def test_a_full_disk_is_told(self, probe: FlaskClient, surface: str) -> None:
        body = assert_refused(probe.get(f"{surface}/probe/full-disk"), surface, 503)
        assert body["message"] == "The disk of the hub is full; tell its operator."


class TestDatabaseErrors:
    @pytest.mark.parametrize("kind", ["unique", "reference", "driver-unique"])
    def test_a_violated_constraint_is_a_conflict(self, probe: FlaskClient, surface: str, kind: str) -> None:
        assert_refused(probe.get(f"{surface}/probe/{kind}"), surface, 409)

    def test_a_registered_constraint_has_its_own_message(self, probe: FlaskClient, surface: str) -> None:
        body = assert_refused(probe.get(f"{surface}/probe/named-unique"), surface, 409)
        assert body["message"] == "A user with this e-mail address already exists."

    @pytest.mark.parametrize("kind", ["too-long", "too-large", "driver-too-large"])
    def test_a_value_that_cannot_be_stored_is_invalid(self, probe: FlaskClient, surface: str, kind: str) -> None:
        assert_refused(probe.get(f"{surface}/probe/{kind}"), surface, invalid_status(surface))

    @pytest.mark.parametrize("kind", ["cancelled", "driver-cancelled", "idle", "driver-idle"])
    def test_a_cancelled_statement_is_answered_503_with_retry_after(
        self, probe: FlaskClient, surface: str, kind: str
    ) -> None:
        answer = probe.get(f"{surface}/probe/{kind}")
        assert_refused(answer, surface, 503)
        assert answer.headers["Retry-After"] == "1"

    def test_a_failed_statement_does_not_affect_the_next_request(self, probe: FlaskClient, surface: str) -> None:
        probe.get(f"{surface}/probe/unique")
        assert probe.post(f"{surface}/probe/", json={"count": 3}).json == {"count": 3}
