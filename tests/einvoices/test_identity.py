"""Identifiers of e-invoices: invisible ends of orders, marketplaces, codes and words of providers are removed."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.einvoices.providers.http_provider import _parse_response
from app.kernel import json
from tests.einvoices.helpers import create_draft, create_issued, fetch_detail, list_page
from tests.factories import a_draft

SPELLINGS = ("{} ", "\t{}\r\n", "{}\u00a0", "{}\u200b", "\ufeff{}")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_orders_and_codes_are_stored_clean_and_found(owner: FlaskClient, spelling: str) -> None:
    order = {
        "marketplace": spelling.format("trendyol"),
        "marketplace_order_no": spelling.format("TY-1"),
        "metadata": [],
    }
    [item] = a_draft()["items"]
    draft = create_draft(owner, **order, items=[{**item, "sku": spelling.format("TSH-1")}])
    stored = fetch_detail(owner, draft["id"])
    assert (stored["marketplace"], stored["marketplace_order_no"]) == ("trendyol", "TY-1")
    assert (stored["items"][0]["sku"], stored["metadata"]) == ("TSH-1", {})
    for filters in ({"marketplace": order["marketplace"]}, {"search": order["marketplace_order_no"]}):
        assert [row["id"] for row in list_page(owner, **filters)["data"]] == [draft["id"]]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_word_of_a_provider_is_clean_however_it_arrives(owner: FlaskClient, spelling: str) -> None:
    words = {"provider_status": spelling.format("accepted"), "provider_invoice_id": spelling.format("P-1")}
    answer = _parse_response(json.encode(words))
    assert (answer.provider_status, answer.provider_invoice_id, answer.status.value) == ("accepted", "P-1", "accepted")
    issued = create_issued(owner)
    reported = owner.post(f"/api/v1/einvoices/{issued['id']}/provider-status", json=words)
    assert reported.status_code == 200, reported.text
    stored = fetch_detail(owner, issued["id"])
    assert (stored["provider_status"], stored["provider_invoice_id"]) == ("accepted", "P-1")
