"""Deliveries of e-invoices in the chain of their owner."""

from __future__ import annotations

import hashlib

from app.extensions import db
from tests.einvoices.evidence.chains import chain_of, rows_of
from tests.webhooks.fixtures import Make, deliveries
from tests.webhooks.receivers import Receiver


def test_each_attempt_is_recorded_with_its_answer(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make
) -> None:
    answers = iter([(500, {}, b"Ms Smith is away"), (204, {}, b"")])
    receiver: Receiver = start_receiver(lambda _request: next(answers))
    endpoint = subscribe(receiver)
    create_einvoices()
    send()
    [delivery] = deliveries()
    with db.engine.connect() as connection:
        [owner_id] = connection.exec_driver_sql("SELECT owner_id FROM e_invoices").scalars()
    [attempt] = [record for record in chain_of(owner_id) if record["kind"] == "delivery"]
    assert attempt["facts"] == {
        "attempt": 1,
        "body_sha256": hashlib.sha256(receiver.requests[0].body).hexdigest(),
        "delivered": False,
        "endpoint": endpoint.id,
        "event": delivery.event,
        "event_id": str(delivery.event_id),
        "status": 500,
    }
    assert "Smith" not in rows_of(owner_id)[-1].body
    assert attempt["sealed"]
