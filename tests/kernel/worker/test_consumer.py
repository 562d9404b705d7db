"""``EagerConsumer`` when the broker is lost while one message is processed and the next is awaited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.worker.consumer import Consumer
from kombu import Connection, Queue

from app.extensions import celery
from app.kernel.worker.consumer import EagerConsumer
from app.local.servers.valkey import Valkey

pytestmark = [
    pytest.mark.usefixtures("app"),
    # Celery warns about a default of its next version; the hub sets it explicitly.
    pytest.mark.filterwarnings("ignore:[^a-z]*In Celery 5.1 we introduced"),
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    """A separate broker for this test."""
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


def consumer_without_broker(kind: type[Consumer], broker: Valkey) -> Consumer:
    """A consumer that processes one message and waits for another on a channel whose broker has just stopped."""
    connection = Connection(broker.url, transport_options={"socket_timeout": 2})
    channel = connection.default_channel
    queue = Queue("work")(channel)
    queue.declare()
    connection.Producer().publish({}, routing_key="work", exchange="")
    assert queue.get(no_ack=False)
    channel.basic_consume("work", no_ack=False, callback=print, consumer_tag="waiting")
    channel.connection.cycle._register_BRPOP(channel)
    broker.stop()
    consumer = kind.__new__(kind)
    consumer.app, consumer.connection = celery, connection
    return consumer


def test_the_worker_survives_the_loss_of_its_broker(broker: Valkey) -> None:
    consumer = consumer_without_broker(EagerConsumer, broker)
    consumer.on_connection_error_after_connected(ConnectionError("gone"))
    assert consumer.connection is None


def test_celerys_consumer_still_fails(broker: Valkey) -> None:
    """When Celery or kombu fixes the fault, this test fails and ``EagerConsumer`` can lose its workaround."""
    consumer = consumer_without_broker(Consumer, broker)
    with pytest.raises(AttributeError):
        consumer.on_connection_error_after_connected(ConnectionError("gone"))
