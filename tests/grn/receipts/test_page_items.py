"""Pages of receipts whose metadata is large: too large together they are refused, and each can be read alone."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.kernel.pagination import byte_limit
from tests.factories import a_fabric_item, a_receipt
from tests.grn.helpers import json_body, rejected_fields

INVOICES = "/api/invoices"


def test_a_page_that_is_too_large_is_refused(clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_limit, "MAX_MIB", 1)
    items = [a_fabric_item(100, metadata={"note": "x" * 15_000}) for _ in range(40)]
    for _ in range(2):
        json_body(clerk.post(INVOICES, json=a_receipt(*items)), 201)
    assert list(rejected_fields(clerk.get(f"{INVOICES}?pageSize=3"))) == ["pageSize"]
    page = json_body(clerk.get(f"{INVOICES}?pageSize=1"))
    assert len(page["content"][0]["fabricItemList"]) == 40
    assert page["totalElements"] == 3
