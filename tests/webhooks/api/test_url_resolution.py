"""The host of a new URL is resolved while the request holds no database connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel import json
from app.kernel.outbound import ssrf
from tests.webhooks.fixtures import ENDPOINTS

URL = "https://slow.example.com/hook"
KEY = {"Idempotency-Key": "once"}


@pytest.fixture
def held(connections_in_use: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of database connections in use at each look-up of a name."""
    counts: list[int] = []

    def look_up(_host: str, port: int, **_options: Any) -> list[Any]:
        counts.append(connections_in_use())
        return [(2, 1, 6, "", ("8.8.8.8", port))]

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", look_up)
    return counts


def test_the_api_resolves_before_its_transaction(manager: FlaskClient, held: list[int]) -> None:
    db.session.remove()
    made = manager.post(ENDPOINTS, json={"url": URL, "events": ["*"]}, headers=KEY)
    assert made.status_code == 201
    assert held == [0]
    again = manager.post(ENDPOINTS, json={"url": URL, "events": ["*"]}, headers=KEY)
    assert again.json == made.json
    moved = manager.patch(f"{ENDPOINTS}/{made.json['id']}", json={"url": f"{URL}/2"})
    assert moved.json["url"] == f"{URL}/2"
    assert held == [0, 0, 0]


def test_a_change_of_allowances_alone_resolves_before_its_transaction(admin: FlaskClient, held: list[int]) -> None:
    made = admin.post(ENDPOINTS, json={"url": URL, "events": ["*"]}).json
    del held[:]
    db.session.remove()
    changed = admin.patch(f"{ENDPOINTS}/{made['id']}", json={"allowances": [{"cidr": "10.0.0.0/8", "port": 8080}]})
    assert changed.status_code == 200
    assert held == [0]
    assert admin.patch(f"{ENDPOINTS}/999", json={"allowances": []}).status_code == 404


@pytest.mark.parametrize("body", [b'{"url": ', b"", b"[]", b"7"])
def test_a_body_that_is_no_object_is_refused_as_before(manager: FlaskClient, body: bytes) -> None:
    answer = manager.post(ENDPOINTS, data=body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert "message" in answer.json


def test_a_body_is_parsed_once(manager: FlaskClient, held: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    parse = json.parse_strict
    monkeypatch.setattr(json, "parse_strict", lambda raw: parsed.append(raw) or parse(raw))
    for _ in range(2):  # the second is a new request with a new body
        assert manager.post(ENDPOINTS, json={"url": URL, "events": ["*"]}).status_code == 201
    assert len(parsed) == len(held) == 2
    assert manager.post(ENDPOINTS, json={"url": URL, "events": ["unknown"]}).status_code == 422
    assert len(parsed) == 3


def test_a_host_that_does_not_resolve_is_refused_as_before(
    manager: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(host: str, _port: int, **_options: Any) -> list[Any]:
        asked.append(host)
        raise OSError

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", fail)
    answer = manager.post(ENDPOINTS, json={"url": URL, "events": ["*"]})
    assert answer.status_code == 422
    assert answer.json["errors"]["url"] == ["slow.example.com does not resolve."]
    assert asked == ["slow.example.com"]
    assert manager.post(ENDPOINTS, json={"url": "https://", "events": ["*"]}).status_code == 422
