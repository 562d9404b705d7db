"""A whole hub for drills: its own servers, web processes on ports of their own, a worker and beat."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
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

from app.local.processes import PROCESSES, HubProcess
from app.local.servers import Postgres, Valkey, temporary_servers
from tests.sse import Listener

ROOT = Path(__file__).resolve().parents[2]
KEY = "a-key-for-the-drills-of-imports"
HEADERS = {"X-API-KEY": KEY, "Content-Type": "application/json"}
STREAM = "/api/sales/sse/invoices/"


@dataclass
class DrillHub:
    """Web processes on ``ports``, and the servers behind them."""

    postgres: Postgres
    valkey: Valkey
    environment: dict[str, str]
    ports: list[int] = field(default_factory=list)
    children: list[tuple[HubProcess, subprocess.Popen[bytes]]] = field(default_factory=list)
    _revived: subprocess.Popen[bytes] | None = None

    def post(
        self, path: str, body: dict[str, Any], *, web: int = 0, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """POST to one of the web processes; status and answer."""
        url = f"http://127.0.0.1:{self.ports[web]}{path}"
        request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers or HEADERS)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the database, or change what no endpoint changes yet."""
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def flask(self, *arguments: str, **environment: str) -> str:
        """Run a command of the hub; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def sign_in(self, role: str) -> dict[str, str]:
        """Headers of a new user of ``role``."""
        email, password = f"{role}-{time.monotonic_ns()}@hub.example", "correct horse battery staple"
        self.flask("users", "create", email, "--role", role, "--password", password)
        _, answer = self.post("/api/auth/login/", {"email": email, "password": password})
        return {"Authorization": f"Bearer {answer['data']['access']}", "Content-Type": "application/json"}

    def listen(self, *, web: int = 0, after: str | None = None) -> Listener:
        """Open the stream of sales on one of the web processes."""
        resume = {} if after is None else {"Last-Event-ID": after}
        return Listener(self.ports[web], STREAM, {**HEADERS, **resume})

    def kill_worker(self, name: str) -> None:
        """``kill -9`` a worker with all its processes, and start it anew."""
        number = next(n for n, (process, _) in enumerate(self.children) if process.name == name)
        process, child = self.children[number]
        for victim in [*psutil.Process(child.pid).children(recursive=True), psutil.Process(child.pid)]:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        child.wait()
        self.children[number] = (process, _spawn(process, self.environment))

    def kill_one_of(self, name: str) -> None:
        """``kill -9`` one process of a worker's pool; the worker forks another."""
        child = next(child for process, child in self.children if process.name == name)
        pool = psutil.Process(child.pid).children()
        if pool:
            random.choice(pool).kill()

    def restart_postgres(self) -> None:
        self.postgres.stop()
        self.postgres.start()

    def flush_redis(self) -> None:
        with Redis.from_url(self.valkey.url) as client:
            client.flushall()

    def freeze_redis(self) -> None:
        """It keeps its connections and answers nothing."""
        self._redis.send_signal(signal.SIGSTOP)

    def thaw_redis(self) -> None:
        self._redis.send_signal(signal.SIGCONT)

    def stop_redis(self) -> None:
        self._redis.kill()
        self._redis.wait()

    def start_redis(self) -> None:
        """Start it anew and empty, where it was."""
        self._revived = subprocess.Popen(
            self.valkey.process.args, cwd=self.valkey.data_dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        if self._revived:
            self._revived.kill()
            self._revived.wait()

    @property
    def _redis(self) -> subprocess.Popen[bytes]:
        return self._revived or self.valkey.process


@contextmanager
def drill_hub(*, webs: int = 2, **changes: str) -> Iterator[DrillHub]:
    """Start everything, wait until every web process is ready, and stop it all in the end."""
    with temporary_servers() as (postgres, valkey), ExitStack() as stack:
        environment = {
            **os.environ,
            "ENVIRONMENT": "local",
            "SECRET_KEY": "a secret of the drills, long enough for production",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "STORAGE_DIR": str(postgres.data_dir.parent),
            "DATA_DIR": str(postgres.data_dir.parent),
            "SALES_IMPORT_API_KEY": KEY,
            "LOG_LEVEL": "WARNING",
            "WEB_CONCURRENCY": "1",
            "STREAM_KEEP_ALIVE_SECONDS": "1",
            **changes,
        }
        hub = DrillHub(postgres, valkey, environment)
        stack.callback(hub.close)
        children = hub.children
        stack.callback(_end, children)
        migrate = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True, stderr=subprocess.DEVNULL)
        for process in PROCESSES:
            if process.name == "web":
                for _ in range(webs):
                    hub.ports.append(free_port())
                    children.append((process, _spawn(process, {**environment, "PORT": str(hub.ports[-1])})))
            elif process.name != "flower":
                children.append((process, _spawn(process, environment)))
        for port in hub.ports:
            wait_for(lambda port=port: ready(port), 180)
        yield hub


def wait_for(happened: Any, seconds: float) -> None:
    """Look until it happened; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def _spawn(process: HubProcess, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = process.arguments(environment)
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)


def _end(children: list[tuple[HubProcess, subprocess.Popen[bytes]]]) -> None:
    for _, child in children:
        child.terminate()
    for _, child in children:
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
