"""Validation of endpoint settings."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.webhooks.fixtures import ENDPOINTS, PUBLIC_URL


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "b\r\nX-Evil: 1"},
        {"X-A": "b\nX-Evil: 1"},
        {"X-A\r\nX-Evil": "1"},
        {"X A": "1"},
        {"": "1"},
        {"X-A": ""},
        {"X-A": "\x00"},
        {"X-A": "ä"},
        {"X-A": "x" * 1001},
        {"X-Webhook-Signature": "mine"},
        {"webhook-id": "mine"},
        {"HOST": "evil"},
        {"Content-Length": "1"},
        {"Transfer-Encoding": "chunked"},
        {"X-A": "1", "x-a": "2"},
        {"X-A": 1},
        ["X-A"],
        {f"X-{number}": "1" for number in range(21)},
    ],
    ids=str,
)
def test_headers_with_control_characters_or_reserved_names_are_refused(manager: FlaskClient, headers: Any) -> None:
    answer = manager.post(ENDPOINTS, json={"url": "https://8.8.8.8/", "events": ["*"], "headers": headers})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["headers"]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"url": None}, "url"),
        ({"url": 7}, "url"),
        ({"url": " "}, "url"),
        ({"url": "https://8.8.8.8/\0"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["einvoice.gone"]}, "events.0"),
        ({"events": ["einvoice.*", "einvoice.*"]}, "events"),
        ({"events": "einvoice.*"}, "events"),
        ({"events": [7]}, "events.0"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 51}, "concurrency"),
        ({"rate_per_minute": 0}, "rate_per_minute"),
        ({"description": "x" * 501}, "description"),
        ({"metadata": "x"}, "metadata"),
        ({"metadata": {"x": "y" * 17_000}}, "metadata"),
        ({"secret": "mine"}, "secret"),
        ({"status": "enabled"}, "status"),
        ({"enabled": "yes"}, "enabled"),
        ({"enabled": 1}, "enabled"),
    ],
    ids=str,
)
def test_an_invalid_field_is_named_in_the_error(manager: FlaskClient, facts: dict[str, Any], field: str) -> None:
    answer = manager.post(ENDPOINTS, json={"url": PUBLIC_URL, "events": ["*"], **facts})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]


@pytest.mark.parametrize(
    "allowances", [[{"cidr": "10.0.0.0/99", "port": 1}], [{"cidr": "x", "port": 1}], [{"cidr": "10.0.0.0/8"}], "x"]
)
def test_allowances_are_networks_and_ports(admin: FlaskClient, allowances: Any) -> None:
    answer = admin.post(ENDPOINTS, json={"url": PUBLIC_URL, "events": ["*"], "allowances": allowances})
    assert answer.status_code == 422
