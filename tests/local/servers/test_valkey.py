"""Embedded Valkey: password, queues over a restart, start after a kill, a taken port."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.local.errors import LocalRunError
from app.local.servers.valkey import Valkey
from tests.local.servers.helpers import has_ended, running


class TestValkey:
    def test_requires_its_password(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as server:
            port = server.url.rpartition(":")[2].removesuffix("/0")
            with redis.Redis.from_url(server.url) as client:
                assert client.ping()
            with (
                redis.Redis(port=int(port), retry=Retry(NoBackoff(), 0)) as anonymous,
                pytest.raises(redis.AuthenticationError),
            ):
                anonymous.ping()

    def test_the_password_is_readable_by_its_owner_only(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as server:
            assert stat.S_IMODE((server_dir / "vk/valkey.conf").stat().st_mode) == 0o600
            password = server.url.partition("://:")[2].partition("@")[0]
            assert password not in Path(f"/proc/{server.process.pid}/cmdline").read_text()

    def test_refuses_writes_instead_of_evicting_when_memory_is_full(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as server, redis.Redis.from_url(server.url) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendonly") == {"appendonly": "no"}

    def test_keeps_its_queues_over_a_restart(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as server, redis.Redis.from_url(server.url) as client:
            client.rpush("events", "message")
        with running(Valkey(server_dir / "vk")) as server, redis.Redis.from_url(server.url) as client:
            assert client.lrange("events", 0, -1) == [b"message"]

    def test_the_next_start_stops_a_server_that_still_runs(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as previous, running(Valkey(server_dir / "vk")) as server:
            assert previous.process.wait(1) == 0
            with redis.Redis.from_url(server.url) as client:
                assert client.ping()

    def test_a_damaged_file_is_reported_in_one_line(self, server_dir: Path) -> None:
        (server_dir / "vk").mkdir()
        (server_dir / "vk/dump.rdb").write_bytes(b"no such thing")
        with pytest.raises(LocalRunError, match=r"Valkey .*server\.log"):
            Valkey(server_dir / "vk").start()

    def test_a_port_taken_at_the_last_moment_is_replaced(
        self, server_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with running(Valkey(server_dir / "first")) as first:
            taken = int(first.url.rpartition(":")[2].removesuffix("/0"))
            free = Valkey(server_dir / "probe")
            with running(free):
                other = int(free.url.rpartition(":")[2].removesuffix("/0"))
            ports = iter([taken, other])
            monkeypatch.setattr("app.local.servers.valkey._free_port", lambda: next(ports))
            with running(Valkey(server_dir / "vk")) as server:
                assert f":{other}/" in server.url


def test_a_server_cannot_outlive_the_process_that_started_it(server_dir: Path) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - this branch ends in a kill
        server = Valkey(server_dir / "vk")
        server.start()
        os.write(write, str(server.process.pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        pid = int(pipe.read(20))
    os.waitpid(child, 0)
    assert has_ended(pid)
