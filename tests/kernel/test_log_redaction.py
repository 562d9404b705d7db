"""Masking of secrets and e-mail addresses in log lines, by pattern, by field name and in nested values."""

from __future__ import annotations

from typing import Any

import pytest

from app.kernel.log_redaction import mask_line, mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "connect to postgresql://hub:p%40ss@db.example/hub failed",
            "connect to postgresql://***@db.example/hub failed",
        ),
        ("redis://:secret@127.0.0.1:6379/0", "redis://***@127.0.0.1:6379/0"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer ***"),
        ("the token eyJhbGciOi.eyJzdWIi.c2ln was refused", "the token *** was refused"),
        ("ihub_k3J8_s3cr3tOfSomebody", "ihub_***"),
        ("signed with whsec_MfKQ9r8GKYqrTwjU", "signed with whsec_***"),
        ("mail to ayse.yilmaz@shop.example bounced", "mail to a***@shop.example bounced"),
        ("url=-postgresql://hub:secret@db failed", "url=-postgresql://***@db failed"),
        ("to -.ayse@shop.example, ali@shop.example", "to -.a***@shop.example, a***@shop.example"),
        ("token=a-eyJhbGciOi.eyJzdWIi.c2ln", "token=***"),
        ("the keyJob.of.mails ran at a_b", "the keyJob.of.mails ran at a_b"),
        ("worker@host took event_id 7", "worker@host took event_id 7"),
    ],
)
def test_texts_are_masked_by_pattern(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def masked_line(**line: Any) -> dict[str, Any]:
    return dict(mask_line(None, "info", line))


def test_values_are_masked_by_field_name() -> None:
    line = masked_line(password="x", api_key="y", token_id="pub7", credential="api_key:7", email="a@b.example", n=3)
    assert line == {
        "password": "***",
        "api_key": "***",
        "token_id": "pub7",
        "credential": "api_key:7",
        "email": "***",
        "n": 3,
    }


def test_nested_values_are_masked() -> None:
    line = masked_line(details={"headers": [{"Authorization": "Basic dXNlcjpwYXNz"}, "to a@b.example"]})
    assert line == {"details": {"headers": [{"Authorization": "***"}, "to a***@b.example"]}}
    deep: dict[str, Any] = {"a": "secret of somebody"}
    for _ in range(10):
        deep = {"a": deep}
    assert "somebody" not in str(masked_line(details=deep))
