"""Everything that uses Redis works behind real sentinels, and follows the master when it changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty

import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from app.extensions import bus, celery
from app.kernel.http.app import Hub
from app.kernel.http.rate_limit_storage import FailoverStorage, storage_uri
from app.kernel.worker.heartbeat import Heartbeat, processes
from app.kernel.worker.subscription import Subscription
from app.local.errors import LocalRunError
from app.local.servers.external_servers import require_broker
from app.operations import doctor
from app.operations.doctor_findings import State
from app.operations.monitoring import broker_queues, queue_drain
from tests.sentinels import Program, SentinelSet, free_port, sentinel_set, wait_for

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def valkeys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelSet]:
    with sentinel_set(tmp_path_factory.mktemp("sentinels")) as running:
        yield running


@pytest.fixture
def hub(app_with: Callable[..., Hub], valkeys: SentinelSet) -> Iterator[Hub]:
    app = app_with(redis_url=valkeys.url)
    with app.app_context():
        yield app
    bus.client.close()


class Users:
    """Each use that the hub makes of Redis, over connections that stay open."""

    def __init__(self, url: str) -> None:
        self.limits = FailoverStorage(storage_uri(url), timeout=0.5)
        self.broker = celery.connection_for_write()
        self.listener = Subscription("hub:test").__enter__()
        self.heartbeat = f"test-{time.monotonic_ns()}"
        self.turn = 0

    def failures(self) -> list[str]:
        """The uses that fail at this moment."""
        found = []
        for use in (self._stream, self._limit, self._heartbeat, self._drains, self._publish, self._consume):
            try:
                if not use():
                    found.append(use.__name__)
            except (RedisError, OperationalError, Empty):  # not yet at the new master
                self.broker.close() if use in {self._publish, self._consume} else None
                found.append(use.__name__)
        return found

    def _stream(self) -> bool:
        self.turn += 1
        bus.client.publish("hub:test", str(self.turn))
        try:
            messages = [self.listener.receive(0.2) for _ in range(3)]
        except RedisError:  # as the threads that listen do
            self.listener.__exit__(None, None, None)
            self.listener = Subscription("hub:test").__enter__()
            raise
        return str(self.turn) in {message["data"] for message in messages if message}

    def _limit(self) -> bool:
        key = f"{self.heartbeat}-{self.turn}"
        self.limits.incr(key, 60)
        return int(bus.client.get(f"LIMITS:{key}") or 0) == 1

    def _heartbeat(self) -> bool:
        Heartbeat("test", self.heartbeat).note()
        return self.heartbeat in {process.name for process in processes()}

    def _drains(self) -> bool:
        return queue_drain.list_drains() == {}

    def _publish(self) -> bool:
        before = self._waiting()
        celery.send_task("events.relay", connection=self.broker, retry=False, ignore_result=True)
        return self._waiting() == before + 1

    def _consume(self) -> bool:
        with celery.connection_for_read() as connection, connection.SimpleQueue("events") as queue:
            while self._waiting():
                queue.get(timeout=1).ack()
        return True

    @staticmethod
    def _waiting() -> int:
        return sum(queue.depth for queue in broker_queues.queue_depths())


@pytest.fixture
def users(hub: Hub, valkeys: SentinelSet) -> Iterator[Users]:
    made = Users(valkeys.url)
    assert made.failures() == []
    yield made
    made.listener.__exit__(None, None, None)
    made.broker.release()


def test_doctor_names_the_sentinels_that_cannot_help(hub: Hub, valkeys: SentinelSet) -> None:
    def found() -> list[tuple[State, str]]:
        return [(one.state, one.message) for one in doctor.run_checks() if one.subject == "sentinels"]

    valkeys.wait_until_settled()
    assert found() == [(State.OK, "3 answer, know a replica, and agree")]
    valkeys.sentinels[1].freeze()
    try:
        [(state, message)] = found()
    finally:
        valkeys.sentinels[1].thaw()
    assert state is State.WARNING
    assert message.startswith(f"127.0.0.1:{valkeys.sentinels[1].port}: TimeoutError")
    assert hub


def test_a_master_that_becomes_a_replica_is_left(users: Users, valkeys: SentinelSet) -> None:
    """It goes on as a replica, and refuses writes."""
    old = valkeys.fail_over(lambda _master: valkeys.order_failover())
    assert old.process.poll() is None
    valkeys.wait_for_replica(old)  # until then it takes writes, and drops them when it begins to follow
    wait_for(lambda: users.failures() == [])


def test_flower_reads_the_address_that_the_hub_reads(hub: Hub, valkeys: SentinelSet, tmp_path: Path) -> None:
    bus.client.rpush("celery", "1", "2", "3")
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CELERY_")},
        "REDIS_URL": valkeys.url,
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",  # of an older installation
        "FLOWER_PORT": str(port),
        "FLOWER_ADDRESS": "127.0.0.1",
        "FLOWER_UNAUTHENTICATED_API": "true",
    }
    command = [sys.executable, "-m", "celery", "--quiet", "--config", "app.flower_settings", "flower"]
    with (tmp_path / "flower.log").open("wb") as log:
        flower = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def queues() -> object:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/queues/length", timeout=5) as answer:
                return json.load(answer)["active_queues"]
        except OSError:
            return None

    try:
        wait_for(lambda: queues() == [{"name": "celery", "messages": 3}], 30)
    finally:
        flower.terminate()
        flower.wait(10)
        bus.client.delete("celery")
    assert hub


def test_a_killed_master_is_left(users: Users, valkeys: SentinelSet) -> None:
    """It does not come back, so each later test has one server only."""
    valkeys.wait_until_settled()
    valkeys.fail_over(Program.kill)
    wait_for(lambda: users.failures() == [])


def test_sentinels_that_hang_delay_a_connection_by_half_a_second_each(hub: Hub, valkeys: SentinelSet) -> None:
    """The last test here: sentinels that hung appoint nobody for half a minute."""
    frozen = valkeys.sentinels[:2]
    for sentinel in frozen:
        sentinel.freeze()
    try:
        started = time.monotonic()
        assert bus.client.ping()
        assert time.monotonic() - started < 2.0
        valkeys.sentinels[2].freeze()
        bus.client.connection_pool.disconnect()
        started = time.monotonic()
        with pytest.raises(RedisError):
            bus.client.ping()
        assert time.monotonic() - started < 2.5
        with pytest.raises(LocalRunError, match="The server of REDIS_URL cannot be used: No master found"):
            require_broker(valkeys.url)
    finally:
        for sentinel in valkeys.sentinels:
            sentinel.thaw()
    require_broker(valkeys.url)
