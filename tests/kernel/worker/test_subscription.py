"""A subscription passes messages on, stays while nothing is said, and ends when its server freezes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.extensions import REDIS_SECONDS, bus
from app.kernel.worker.subscription import Subscription
from app.local.servers.valkey import Valkey
from app.redis_servers import RedisServers

CHANNEL = "hub:test"


@pytest.fixture
def valkey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """The server of ``bus``, which is asked every second whether it is there."""
    server = Valkey(tmp_path / "valkey")
    server.start()
    with RedisServers.parse(server.url).client(2.0, health_check_interval=1, decode_responses=True) as client:
        monkeypatch.setattr(bus, "client", client, raising=False)
        yield server
        server.process.send_signal(signal.SIGCONT)
    server.stop()


@pytest.mark.usefixtures("valkey")
def test_a_silent_server_is_kept_and_messages_arrive() -> None:
    with Subscription(CHANNEL) as channel:
        receive_for(channel, REDIS_SECONDS + 2)
        bus.client.publish(CHANNEL, "hello")
        messages = [channel.receive(0.5) for _ in range(3)]
    assert [message["data"] for message in messages if message] == ["hello"]


def test_a_frozen_server_is_left(valkey: Valkey) -> None:
    with Subscription(CHANNEL) as channel:
        valkey.process.send_signal(signal.SIGSTOP)
        with pytest.raises(RedisTimeoutError, match="does not answer"):
            receive_for(channel, 15)


def test_two_short_delays_do_not_add_up(valkey: Valkey) -> None:
    with Subscription(CHANNEL) as channel:
        for _ in range(2):
            receive_for(channel, 1.2)
            valkey.process.send_signal(signal.SIGSTOP)
            receive_for(channel, 1.2)
            valkey.process.send_signal(signal.SIGCONT)
            receive_for(channel, 1.2)


def receive_for(channel: Subscription, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert channel.receive(0.1) is None
