"""Retention of deliveries."""

from __future__ import annotations

from app.webhooks.deliveries import retention
from tests.webhooks.fixtures import FakeClock, Make, deliveries


def test_old_finished_deliveries_are_deleted_and_waiting_ones_stay(
    start_receiver: Make, subscribe: Make, create_einvoices: Make, send: Make, fake_clock: FakeClock
) -> None:
    subscribe(start_receiver())
    waiting = subscribe(start_receiver(lambda _request: (500, {}, b"")))
    create_einvoices(2)
    send()
    fake_clock.advance(days=89)
    assert retention.purge() == 0
    fake_clock.advance(days=2)
    create_einvoices(1)
    assert retention.purge() == 2
    assert {d.endpoint_id for d in deliveries() if d.position < 3} == {waiting.id}
    create_einvoices(1)
    assert [d.sequence for d in deliveries()] == [3, 4, 1, 2, 3, 4]
