"""A hub for drills: own servers, web processes on own ports, workers and beat."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
from redis import Redis

from app.local.children.child_processes import Child
from app.local.children.spawner import Spawner, can_be_forked
from app.local.servers.postgres import Postgres
from app.local.servers.temporary import temporary_servers
from app.local.servers.valkey import Valkey
from app.processes import MIGRATE, PROCESSES, HubProcess
from tests.drills.standby import fail_over, standby_of, url_of
from tests.sse import Listener

ROOT = Path(__file__).resolve().parents[2]
KEY = "a-key-for-the-drills-of-imports"
HEADERS = {"X-API-KEY": KEY, "Content-Type": "application/json"}
STREAM = "/api/sales/sse/invoices/"


@dataclass
class DrillHub:
    """A running hub: web processes on ``ports``, its other processes and its servers."""

    postgres: Postgres
    valkey: Valkey
    environment: dict[str, str]
    spawner: Spawner
    standby: Postgres | None = None
    ports: list[int] = field(default_factory=list)
    #: By the name in the table of processes; of several webs the later ones are ``web 1``, ``web 2`` …
    children: dict[str, Child] = field(default_factory=dict)
    _revived: subprocess.Popen[bytes] | None = None

    def post(
        self,
        path: str,
        body: dict[str, Any] | list[Any] | None,
        *,
        web: int = 0,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Send a POST to a web process, with a body unless it is None; return status and answer."""
        url = f"http://127.0.0.1:{self.ports[web]}{path}"
        content = b"" if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=content, headers=headers or HEADERS)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement in the database and return its rows."""
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def flask(self, *arguments: str) -> str:
        """Run a command of the hub and return its output; it is forked, because loading the application takes seconds.

        Raises:
            subprocess.CalledProcessError: the command failed; its output and its errors are one text.
        """
        command = HubProcess("command", (sys.executable, "-m", "flask", "--app", "wsgi", *arguments))
        with tempfile.TemporaryFile() as output:
            code = self.spawner.start(command, output.fileno()).wait(120)
            output.seek(0)
            text = output.read().decode()
        if code:
            raise subprocess.CalledProcessError(code, arguments, text, text)
        return text

    def sign_in(self, role: str) -> dict[str, str]:
        """Create a user of ``role``, sign in, and return the headers of a request."""
        email, password = f"{role}-{time.monotonic_ns()}@hub.example", "correct horse battery staple"
        self.flask("users", "create", email, "--role", role, "--password", password)
        status, answer = self.post("/api/auth/login/", {"email": email, "password": password})
        assert status == 200, (status, answer)
        return {"Authorization": f"Bearer {answer['data']['access']}", "Content-Type": "application/json"}

    def make_seller(self) -> str:
        """Enable e-invoices for the newest user, with the data that an issue needs; return the e-mail address."""
        [(email,)] = self.sql("SELECT email FROM users ORDER BY id DESC LIMIT 1")
        self.flask("modules", "enable", email, "feature.einvoice_api")
        tax_id = f"{time.monotonic_ns():010}"[-10:]  # two users of one company may not have the same series
        self.flask("einvoices", "seller", email, "--name", "A Ltd.", "--tax-id", tax_id, "--address", "Bursa")
        return str(email)

    def listen(self, *, web: int = 0, after: str | None = None) -> Listener:
        """Open the stream of sales on one of the web processes."""
        resume = {} if after is None else {"Last-Event-ID": after}
        return Listener(self.ports[web], STREAM, {**HEADERS, **resume})

    def kill_tree(self, name: str) -> None:
        """``kill -9`` a process with all its children."""
        child = self.children[name]
        for victim in [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        child.wait()

    def kill_worker(self, name: str) -> None:
        """``kill -9`` a worker with all its processes, and start it again."""
        self.kill_tree(name)
        self.start(next(process for process in PROCESSES if process.name == name))

    def kill_one_of(self, name: str) -> None:
        """``kill -9`` one process of a worker's pool; the worker forks another."""
        pool = psutil.Process(self.children[name].pid).children()
        if pool:
            random.choice(pool).kill()

    def promote_standby(self) -> None:
        """``kill -9`` the primary PostgreSQL and let the standby take its place."""
        assert self.standby, "a hub without a standby"
        fail_over(self.postgres, self.standby)
        self.postgres = self.standby

    def restart_postgres(self) -> None:
        self.postgres.stop()
        self.postgres.start()

    def flush_redis(self) -> None:
        with Redis.from_url(self.valkey.url) as client:
            client.flushall()

    def freeze_redis(self) -> None:
        """Stop the Redis process: its connections stay open and get no answer."""
        self._redis.send_signal(signal.SIGSTOP)

    def thaw_redis(self) -> None:
        self._redis.send_signal(signal.SIGCONT)

    def stop_redis(self) -> None:
        self._redis.kill()
        self._redis.wait()

    def start_redis(self) -> None:
        """Start an empty Redis at the same address."""
        self._revived = subprocess.Popen(
            self.valkey.process.args, cwd=self.valkey.data_dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def start(self, process: HubProcess, *, name: str | None = None, cwd: Path = ROOT, **facts: str) -> None:
        """Start a process of the table, for the first time or again; ``cwd`` may be another release's checkout."""
        name = name or process.name
        environment = {**self.environment, **facts}
        with Path(environment["DATA_DIR"], f"{name}.log").open("ab") as log:
            if can_be_forked(process) and not facts and cwd == ROOT:
                self.children[name] = self.spawner.start(process, log.fileno())
            else:
                self.children[name] = subprocess.Popen(
                    process.arguments(environment), cwd=cwd, env=environment, stdout=log, stderr=subprocess.STDOUT
                )

    def log(self, name: str) -> str:
        """Return the log of a process so far."""
        return Path(self.environment["DATA_DIR"], f"{name}.log").read_text()

    def get(self, path: str, *, web: int = 0, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Send a GET to a web process; return status and body."""
        status, body = self.get_bytes(path, web=web, headers=headers)
        return status, body.decode()

    def get_bytes(self, path: str, *, web: int = 0, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """As ``get``, for a file."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[web]}{path}", headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def close(self) -> None:
        if self._revived:
            self._revived.kill()
            self._revived.wait()

    @property
    def _redis(self) -> subprocess.Popen[bytes]:
        return self._revived or self.valkey.process


@contextmanager
def drill_hub(*, webs: int = 2, has_standby: bool = False, **facts: str) -> Iterator[DrillHub]:
    """Start everything, wait until every web process is ready, and stop it all in the end.

    ``facts`` change the environment; what a process says goes to ``NAME.log`` in ``DATA_DIR``.
    """
    with temporary_servers() as (postgres, valkey), ExitStack() as stack:
        standby = stack.enter_context(standby_of(postgres)) if has_standby else None
        environment = {
            **os.environ,
            "ENVIRONMENT": "local",
            "SECRET_KEY": "a secret of the drills, long enough for production",
            "DATABASE_URL": url_of(postgres, standby) if standby else postgres.url,
            "REDIS_URL": valkey.url,
            "STORAGE_DIR": str(postgres.data_dir.parent),
            "DATA_DIR": str(postgres.data_dir.parent),
            "SALES_IMPORT_API_KEY": KEY,
            "LOG_LEVEL": "WARNING",
            "WEB_CONCURRENCY": "1",
            "STREAM_KEEP_ALIVE_SECONDS": "1",
            "STREAMS_PER_CREDENTIAL": "1000",
            "STREAMS_PER_USER": "1000",
            "STREAMS_PER_PROCESS": "150",
            "PROMETHEUS_MULTIPROC_DIR": str(postgres.data_dir.parent / "metrics"),
            **({"DATABASE_REPLICA_URL": standby.url} if standby else {}),
            **facts,
        }
        spawner = Spawner(environment)
        stack.callback(spawner.close)
        hub = DrillHub(postgres, valkey, environment, spawner, standby)
        stack.callback(hub.close)
        stack.callback(_end, hub.children)
        hub.start(MIGRATE)
        assert hub.children.pop("migrate").wait(60) == 0, hub.log("migrate")
        for process in PROCESSES:
            if process.name == "web":
                for number in range(webs):
                    hub.ports.append(free_port())
                    hub.start(process, PORT=str(hub.ports[-1]), name=f"web {number}" if number else "web")
            elif process.name != "flower":
                hub.start(process)
        for port in hub.ports:
            wait_for(lambda port=port: ready(port), 180)
        yield hub


def wait_for(happened: Any, seconds: float) -> None:
    """Wait until ``happened()`` is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _end(children: dict[str, Child]) -> None:
    for child in children.values():
        child.send_signal(signal.SIGCONT)  # one that a drill froze could not end
        child.terminate()
    for child in children.values():
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
