"""Processes that are forked from one that has loaded the application."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO

import psutil
import pytest

from app.local.children.spawner import Spawner, can_be_forked
from app.processes import PREPARATIONS, PROCESSES, HubProcess
from tests.local.hubs import free_port

#: No server listens at these addresses; nothing connects to them.
ENVIRONMENT = {
    **os.environ,
    "ENVIRONMENT": "local",
    "DATABASE_URL": "postgresql://hub@127.0.0.1:1/hub",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "a secret of the tests, long enough for production",
    "DATA_DIR": tempfile.gettempdir(),
    "STORAGE_DIR": tempfile.gettempdir(),
}


def flask(*arguments: str) -> HubProcess:
    return HubProcess("flask", (sys.executable, "-m", "flask", "--app", "wsgi", *arguments))


@contextmanager
def spawner_in(environment: dict[str, str]) -> Iterator[Spawner]:
    spawner = Spawner(environment)
    try:
        yield spawner
    finally:
        spawner.close()


@pytest.fixture(scope="module")
def spawner() -> Iterator[Spawner]:
    with spawner_in(ENVIRONMENT) as spawner:
        yield spawner


@pytest.fixture
def output() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file


def read(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode()


def test_all_processes_but_web_are_forked() -> None:
    assert [process.name for process in (*PROCESSES, *PREPARATIONS) if not can_be_forked(process)] == ["web"]


@pytest.mark.slow
@pytest.mark.parametrize(("command", "code"), [("routes", 0), ("no-such-command", 2)])
def test_a_forked_process_has_its_own_output_and_exit_code(
    spawner: Spawner, output: IO[bytes], command: str, code: int
) -> None:
    assert spawner.start(flask(command), output.fileno()).wait(30) == code
    assert ("/api/sales/import/invoice/" if code == 0 else "No such command") in read(output)


@pytest.mark.slow
def test_a_forked_process_has_its_own_title_and_session(spawner: Spawner, output: IO[bytes]) -> None:
    process = spawner.start(flask("run", "--port", str(free_port())), output.fileno())
    deadline = time.monotonic() + 10
    while "Running on" not in read(output):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert os.getsid(process.pid) == process.pid
    assert " ".join(psutil.Process(process.pid).cmdline()).startswith("flask --app wsgi run")
    assert process.poll() is None
    process.kill()
    assert process.wait(10) == -signal.SIGKILL


@pytest.mark.slow
def test_many_forked_processes_at_once_end_with_their_codes(spawner: Spawner, output: IO[bytes]) -> None:
    processes = [spawner.start(flask("--version" if odd else "nothing"), output.fileno()) for odd in [0, 1] * 4]
    assert [process.wait(30) for process in processes] == [2, 0] * 4


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended may wait for its new parent, process 1, to take note of it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
def test_web_loads_while_the_gate_is_closed_and_serves_when_it_opens(output: IO[bytes]) -> None:
    port = free_port()
    [web] = [process for process in PROCESSES if process.loads_early]
    reader, writer = os.pipe()
    with spawner_in({**ENVIRONMENT, "PORT": str(port), "WEB_CONCURRENCY": "1"}) as own:
        process = own.start(web, output.fileno(), reader)
        os.close(reader)
        try:
            deadline = time.monotonic() + 60
            while not listens(port):
                assert process.poll() is None, read(output)
                assert time.monotonic() < deadline
                time.sleep(0.05)
            with pytest.raises(TimeoutError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
            assert not psutil.Process(process.pid).children()
            os.close(writer)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20) as answer:
                assert answer.status == HTTPStatus.OK
        finally:
            process.kill()
            process.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.slow
def test_the_end_of_the_server_is_the_end_of_its_processes(output: IO[bytes]) -> None:
    with spawner_in(ENVIRONMENT) as own:
        process = own.start(flask("run", "--port", str(free_port())), output.fileno())
        psutil.Process(psutil.Process(process.pid).ppid()).kill()
        assert process.wait(10) == -signal.SIGKILL
        deadline = time.monotonic() + 10
        while runs(process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(ConnectionError):
            own.start(flask("routes"), output.fileno())


@pytest.mark.slow
def test_a_process_whose_server_has_ended_before_it_asks_for_a_signal_ends_too() -> None:
    code = "from app.local.children.fork_server import _detach; _detach(1, server=0); print('goes on')"
    ended = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"")


@pytest.mark.slow
def test_an_application_that_cannot_be_loaded_says_why(output: IO[bytes]) -> None:
    with (
        spawner_in({**ENVIRONMENT, "ENVIRONMENT": "production", "SECRET_KEY": ""}) as own,
        pytest.raises(ConnectionError),
    ):
        own.start(flask("routes"), output.fileno())
    assert "Invoice Hub cannot start:" in read(output)
    assert "SECRET_KEY" in read(output)
