"""The worker's consumer and a broker that is lost at the worst moment: waiting for one message, another in hand."""

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
    # Celery announces a default of its next version, on which the hub has settled already.
    pytest.mark.filterwarnings("ignore:[^a-z]*In Celery 5.1 we introduced"),
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    """A broker of this test's own."""
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


def at_the_worst_moment(kind: type[Consumer], broker: Valkey) -> Consumer:
    """A consumer that has a message in hand and waits for another, on the channel that its broker just left."""
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


def test_the_worker_outlives_its_broker(broker: Valkey) -> None:
    consumer = at_the_worst_moment(EagerConsumer, broker)
    consumer.on_connection_error_after_connected(ConnectionError("gone"))
    assert consumer.connection is None


def test_celerys_own_consumer_still_ends_with_it(broker: Valkey) -> None:
    """Fails once Celery or kombu mends it: then our own handling can go."""
    consumer = at_the_worst_moment(Consumer, broker)
    with pytest.raises(AttributeError):
        consumer.on_connection_error_after_connected(ConnectionError("gone"))
