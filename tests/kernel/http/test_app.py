"""Behaviour of all routes: optional trailing slashes, request ids, the body limit, ids out of range."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.kernel.http.app import PAGES, PUBLIC_PDFS, Hub

_CHOICE, _PLACEHOLDER = re.compile(r"<any\((\w+)[^>]*>"), re.compile(r"<[^>]+>")


def _path(rule: str) -> str:
    """A path that matches the rule: the first value of ``any(…)`` converters, 1 for all others."""
    return _PLACEHOLDER.sub("1", _CHOICE.sub(r"\1", rule)).rstrip("/")


#: Their tokens are secrets; a wrong one is answered by 404.
PUBLIC_LINKS = (PUBLIC_PDFS, f"{PAGES}/invitation/")


def test_a_trailing_slash_is_optional_everywhere(app: Hub, anybody: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        if "<path:" in rule.rule or rule.rule == "/":
            continue
        method = min(rule.methods - {"HEAD", "OPTIONS"})
        path = _path(rule.rule)
        answers = [anybody.open(spelling, method=method) for spelling in (path, f"{path}/")]
        assert answers[0].status_code == answers[1].status_code, rule.rule
        allowed = {404} if rule.rule.startswith(PUBLIC_LINKS) else set()  # no link has this token
        assert answers[0].status_code not in {301, 302, 307, 308, 404} - allowed, rule.rule
        for answer in answers:
            answer.close()


def test_a_trailing_slash_is_optional_for_methods_that_are_not_allowed(app: Hub, anybody: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        if "<path:" in rule.rule or rule.rule == "/":
            continue
        path = _path(rule.rule)
        answers = [anybody.open(spelling, method="TRACE") for spelling in (path, f"{path}/")]
        assert [answer.status_code for answer in answers] == [405, 405], rule.rule
        assert [set(answer.allow) >= rule.methods for answer in answers] == [True, True], rule.rule


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/api/sales/invoices/", "/api/v1/einvoices/x"])
class TestRequestId:
    def test_of_the_client_is_returned(self, anybody: FlaskClient, path: str) -> None:
        answer = anybody.get(path, headers={"X-Request-Id": "erp-7:42/a=b@c+d.e"})
        assert answer.headers["X-Request-Id"] == "erp-7:42/a=b@c+d.e"

    def test_is_generated(self, anybody: FlaskClient, path: str) -> None:
        first, second = (anybody.get(path).headers["X-Request-Id"] for _ in range(2))
        assert re.fullmatch(r"[0-9a-f]{32}", first)
        assert first != second

    @pytest.mark.parametrize("given", ["", "with space", "é", "x" * 129, '"quoted"', "<script>", "a\tb"])
    def test_that_could_break_a_log_line_is_replaced(self, anybody: FlaskClient, path: str, given: str) -> None:
        echoed = anybody.get(path, headers={"X-Request-Id": given}).headers["X-Request-Id"]
        assert re.fullmatch(r"[0-9a-f]{32}", echoed)


class TestChunkedBody:
    def post(self, client: FlaskClient, size: int) -> int:
        body = b'{"email": "a@b.example", "password": "x"}'
        answer = client.post(
            "/api/auth/login/",
            input_stream=io.BytesIO(body + b" " * (size - len(body))),
            content_type="application/json",
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )
        return answer.status_code

    def test_is_read_up_to_the_limit(self, app_with: Callable[..., Hub]) -> None:
        client = app_with(max_body_bytes=1000).test_client()
        assert self.post(client, 999) == 401
        assert self.post(client, 1000) == 401

    def test_is_refused_over_the_limit_and_not_truncated(self, app_with: Callable[..., Hub]) -> None:
        client = app_with(max_body_bytes=1000).test_client()
        assert self.post(client, 1001) == 413


@pytest.mark.parametrize("number", ["0", str(2**63 - 1), str(2**63), "9" * 100])
def test_an_id_that_no_row_can_have_is_not_found(erp: FlaskClient, number: str) -> None:
    answer = erp.get(f"/api/sales/invoices/{number}/")
    assert answer.status_code == 404
    assert answer.json["success"] is False


def test_options_and_head_need_no_credential(anybody: FlaskClient) -> None:
    assert "GET" in anybody.options("/api/sales/invoices/").headers["Allow"]
    assert anybody.head("/healthz").status_code == 200
