"""Signatures of other machines: the library of Standard Webhooks signs, the hub checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from app.kernel.outbound.shared_secret import generate_secret, is_signed

MOMENT = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
SECRET, BODY = generate_secret(), '{"a": 1}'
HEADERS = {
    "webhook-id": "msg_1",
    "webhook-timestamp": str(int(MOMENT.timestamp())),
    "webhook-signature": Webhook(SECRET).sign("msg_1", MOMENT, BODY),
}


def check(body: str = BODY, moment: datetime = MOMENT, **headers: str) -> bool:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return is_signed([generate_secret(), SECRET], {**HEADERS, **changed}, body.encode(), moment)


def test_a_signature_of_one_of_the_secrets_is_right() -> None:
    assert check()
    assert check(webhook_signature=f"v1a,x {HEADERS['webhook-signature']} v1,y")
    assert check(moment=MOMENT + timedelta(minutes=5))
    assert check(moment=MOMENT - timedelta(minutes=5))


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": str(int(MOMENT.timestamp()) + 1)},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "-1"},
        {"webhook_timestamp": "9" * 5000},
        {"webhook_timestamp": "٣"},
        {"webhook_signature": ""},
        {"webhook_signature": HEADERS["webhook-signature"].removeprefix("v1,")},
        {"webhook_signature": "v1,é"},
        {"webhook_signature": "v2," + HEADERS["webhook-signature"].removeprefix("v1,")},
    ],
)
def test_everything_else_is_wrong(headers: dict[str, str]) -> None:
    assert not check(**headers)


def test_another_body_or_time_is_wrong() -> None:
    assert not check(body=BODY + " ")
    assert not check(moment=MOMENT + timedelta(minutes=5, seconds=1))
    assert not check(moment=MOMENT - timedelta(minutes=5, seconds=1))
    assert not is_signed([], HEADERS, BODY.encode(), MOMENT)
