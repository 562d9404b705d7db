"""Queries for deliveries."""

from __future__ import annotations

from app.kernel.unit_of_work import unit_of_work
from app.webhooks.deliveries import queries
from tests.webhooks.fixtures import Make
from tests.webhooks.receivers import Receiver


def test_deliveries_of_an_invoice_are_found_with_their_endpoints(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    subscribe(receiver)
    first, _ = create_einvoices(2)
    send()
    with unit_of_work():
        (row,) = queries.find_page({"per_page": 50, "event": "einvoice.*", "subject_id": first.id}, None)["data"]
    assert row.endpoint.url == receiver.url
