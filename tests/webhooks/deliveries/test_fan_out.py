"""Fan-out: the endpoints that receive an event, sequences, references."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.kernel.unit_of_work import unit_of_work
from app.webhooks.deliveries import fan_out
from app.webhooks.endpoints import service as endpoints
from tests.factories import a_sale
from tests.webhooks.fixtures import Make, create_user_with_module, deliveries
from tests.webhooks.receivers import Receiver


def test_wildcards_select_events(
    *, start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, erp: Any, relayed: Make
) -> None:
    everything, sales, issued = start_receiver(), start_receiver(), start_receiver()
    subscribe(everything, "*")
    subscribe(sales, "sales.*")
    subscribe(issued, "einvoice.issued")
    create_einvoices()
    assert erp.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
    relayed()
    send()
    received = [[request["X-Webhook-Event"] for request in r.requests] for r in (everything, sales, issued)]
    assert [sorted(names) for names in received] == [["einvoice.created", "sales.imported"], ["sales.imported"], []]


def test_e_invoices_are_sent_to_their_owner_and_to_admins_only(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    mine, other, admins = start_receiver(), start_receiver(), start_receiver()
    subscribe(mine)
    subscribe(other, user=create_user_with_module())
    subscribe(admins, user=create_user_with_module("admin"))
    create_einvoices()
    send()
    assert [len(r.requests) for r in (mine, other, admins)] == [1, 0, 1]


def test_a_test_event_is_sent_to_the_tested_endpoint_only(
    start_receiver: Make, subscribe: Make, relayed: Make, send: Make
) -> None:
    one, other = start_receiver(), start_receiver()
    tested = subscribe(one, "sales.*")
    subscribe(other, "*")
    with unit_of_work():
        endpoints.send_test(tested.id, None)
    relayed()
    send()
    assert [len(r.requests) for r in (one, other)] == [1, 0]
    body = json.loads(one.requests[0].body)
    assert body["event"] == "webhook.test"
    assert body["data"] == {
        "endpoint": {"id": tested.id, "url": one.url, "description": "", "events": ["sales.*"]},
        "user": {"id": tested.owner_id},
    }


def test_sequences_have_no_gaps_and_positions_are_those_of_the_log(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, relayed: Make
) -> None:
    some = subscribe(start_receiver(), "einvoice.created")
    late = subscribe(start_receiver(), "einvoice.created", user=create_user_with_module("admin"))
    for _ in range(3):
        create_einvoices(2)
    other = create_user_with_module()
    create_einvoices(1, user=other)
    create_einvoices(1)
    assert [d.sequence for d in deliveries(some)] == list(range(1, 8))
    assert [d.sequence for d in deliveries(late)] == list(range(1, 9))
    assert [d.position for d in deliveries(some)] == [1, 2, 3, 4, 5, 6, 8]
    assert relayed() == 0


def test_an_endpoint_that_is_deleted_during_fan_out_gets_no_delivery(
    app: Any, receiver: Receiver, subscribe: Make, create_einvoices: Make, monkeypatch: Any
) -> None:
    gone, stays = subscribe(receiver), subscribe(receiver)
    read_subscribers = fan_out._subscribers

    def remove() -> None:
        with app.app_context(), unit_of_work():
            endpoints.remove(gone.id, None, actor="test")

    def delete_after_reading() -> Any:
        subscribers = read_subscribers()
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(remove).result()
        return subscribers

    monkeypatch.setattr(fan_out, "_subscribers", delete_after_reading)
    create_einvoices()
    assert deliveries(gone) == []
    assert [delivery.sequence for delivery in deliveries(stays)] == [1]


def test_a_delivery_has_the_invoice_number_as_its_reference(
    receiver: Receiver, subscribe: Make, erp: Any, relayed: Make
) -> None:
    subscribe(receiver, "sales.*")
    erp.post("/api/sales/import/invoice/", json=a_sale(invoice_no="LTPI-1"))
    relayed()
    assert deliveries()[0].reference == "LTPI-1"
