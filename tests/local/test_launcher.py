"""The launcher as a program: start, output, stop by signals, crashes, refusals."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.processes import ROOT
from tests.local.hubs import READY, SECONDS, Start, free_port

pytestmark = pytest.mark.drill

STAND_IN = [sys.executable, str(Path(__file__).with_name("stand_in.py"))]


@pytest.fixture
def start(server_dir: Path) -> Iterator[Start]:
    starter = Start(STAND_IN, server_dir / "var")
    yield starter
    starter.end_all()


class TestRunning:
    def test_prints_addresses_and_commands_when_ready(self, start: Start) -> None:
        hub = start()
        hub.wait_for("Ctrl-C stops everything.")
        key = hub.variable("SALES_IMPORT_API_KEY")
        assert f'curl -N "http://localhost:{hub.port}/api/sales/sse/invoices/" -H "X-API-KEY: {key}"' in hub.output
        assert (
            f'curl -X POST "http://localhost:{hub.port}/api/sales/import/invoice/" '
            f'-H "Content-Type: application/json" -H "X-API-KEY: {key}" -d @{ROOT}/docs/examples/invoice.json'
        ) in hub.output
        assert re.search(r"web +\| web started", hub.output)
        assert "migrating" not in hub.output

    def test_the_provider_simulator_runs_with_the_demo_and_stops_with_the_hub(self, start: Start) -> None:
        port = free_port()
        hub = start(PROVIDER_SIMULATOR_PORT=str(port))
        hub.wait_for("Ctrl-C stops everything.")
        hub.wait_for("Provider simulator at")
        assert f"Provider   http://localhost:{port}/" in hub.output
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert "Provider simulator" in answer.read().decode()
        hub.process.terminate()
        assert hub.end() == 0
        hub.wait_until_nothing_runs()

    def test_the_provider_simulator_does_not_run_without_the_demo(self, start: Start) -> None:
        hub = start(DEMO="0")
        hub.wait_for("Ctrl-C stops everything.")
        assert "Provider" not in hub.output

    def test_prints_no_secret_but_the_api_key(self, start: Start) -> None:
        hub = start()
        hub.wait_for(READY)
        hub.process.terminate()
        hub.end()
        for name in ("SECRET_KEY", "ADMIN_PASSWORD", "REDIS_URL"):
            assert hub.variable(name) not in hub.output

    def test_a_second_start_is_fast_and_keeps_the_secrets(self, start: Start) -> None:
        first = start()
        first.wait_for(READY)
        key = first.variable("SALES_IMPORT_API_KEY")
        first.process.terminate()
        first.end()
        started = time.monotonic()
        second = start()
        second.wait_for(READY)
        assert time.monotonic() - started < 20
        assert second.variable("SALES_IMPORT_API_KEY") == key


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_processes_without_a_traceback(start: Start, kind: signal.Signals) -> None:
    hub = start(DEMO="0")
    hub.wait_for(READY)
    hub.process.send_signal(kind)
    assert hub.end() == 0
    hub.wait_until_nothing_runs()
    assert hub.output.endswith("hub: stopping ...\nhub: stopped.\n")
    assert "Traceback" not in hub.output
    assert "database system is shut down" in (hub.data_dir / "postgres/server.log").read_text()


def test_a_signal_during_the_start_stops_all_processes(start: Start) -> None:
    hub = start()
    hub.wait_for("starting PostgreSQL")
    hub.process.send_signal(signal.SIGINT)
    hub.process.send_signal(signal.SIGINT)
    assert hub.end() == 0
    hub.wait_until_nothing_runs()
    assert "Traceback" not in hub.output


def test_a_process_that_ignores_the_signal_is_killed_and_named(start: Start) -> None:
    hub = start(STUBBORN="1")
    hub.wait_for(READY)
    started = time.monotonic()
    hub.process.terminate()
    assert hub.end() == 0
    assert time.monotonic() - started < 25
    hub.wait_until_nothing_runs()
    assert "stubborn did not stop within 6 s and was killed." in hub.output


class TestCrash:
    def test_of_a_process_stops_the_hub_and_names_it(self, start: Start) -> None:
        hub = start(WORKER_SECONDS="0")
        assert hub.end() == 1
        hub.wait_until_nothing_runs()
        assert "hub: worker ended with exit code 0; its last lines are above.\n" in hub.output

    def test_by_kill_is_named_as_such(self, start: Start) -> None:
        hub = start()
        hub.wait_for(READY)
        for pid in hub.descendants():
            if b"http.server" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        assert hub.end() == 1
        assert "hub: web was killed by SIGKILL; its last lines are above.\n" in hub.output

    @pytest.mark.parametrize(("program", "name"), [("postgres", "PostgreSQL"), ("valkey-server", "Valkey")])
    def test_of_a_server_stops_the_hub_and_names_its_log(self, start: Start, program: str, name: str) -> None:
        hub = start()
        hub.wait_for(READY)
        pids = [pid for pid in hub.descendants() if Path(f"/proc/{pid}/exe").readlink().name == program]
        os.kill(min(pids), signal.SIGKILL)
        assert hub.end() == 1
        hub.wait_until_nothing_runs()
        assert f"hub: {name} was killed by SIGKILL: " in hub.output
        assert "server.log)\n" in hub.output

    def test_of_a_preparation_shows_its_output(self, start: Start) -> None:
        hub = start(MIGRATION_EXIT="7")
        assert hub.end() == 1
        assert "migrating\nhub: migrations ended with exit code 7; its output is above.\n" in hub.output
        assert "web started" not in hub.output
        hub.wait_until_nothing_runs()

    def test_of_the_launcher_leaves_nothing_that_blocks_the_next_start(self, start: Start) -> None:
        hub = start()
        hub.wait_for(READY)
        hub.process.kill()
        hub.end()
        second = start()
        second.wait_for(READY)
        second.process.terminate()
        assert second.end() == 0
        second.wait_until_nothing_runs()


def test_a_closed_terminal_stops_the_hub_even_without_a_signal(server_dir: Path) -> None:
    """The shell of a closed window may end before it sends SIGHUP; the hub must not run on without output."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": str(free_port())}
    with subprocess.Popen(
        STAND_IN,
        env={**environment, "DATA_DIR": str(server_dir / "var")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as hub:
        assert hub.stdout
        while READY not in hub.stdout.readline().decode():
            pass
        hub.stdout.close()
        assert hub.wait(SECONDS) != 0


class TestRefusal:
    def test_of_a_port_in_use_is_one_line_with_a_suggestion(self, start: Start) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            hub = start(PORT=str(port))
            assert hub.end() == 1
        assert hub.output == f"hub: Port {port} is in use. Start on another one: PORT={port + 1} make run\n"

    def test_of_a_second_hub_on_the_same_data_names_the_first(self, start: Start) -> None:
        first = start()
        first.wait_for(READY)
        second = start()
        assert second.end() == 1
        assert f"A hub runs on {first.data_dir} already (process {first.process.pid})" in second.output
        assert second.output.count("\n") == 1

    def test_of_a_data_folder_that_cannot_be_created(self, start: Start, server_dir: Path) -> None:
        (server_dir / "file").touch()
        hub = start(DATA_DIR=str(server_dir / "file"))
        assert hub.end() == 1
        assert hub.output == f"hub: DATA_DIR {server_dir}/file cannot be created: File exists.\n"

    @pytest.mark.parametrize("url", ["mysql://hub:pa55@127.0.0.1/hub", "postgresql://hub:pa55 word@127.0.0.1/hub"])
    def test_of_a_malformed_url_does_not_show_the_password(self, start: Start, url: str) -> None:
        hub = start(DATABASE_URL=url)
        assert hub.end() == 1
        assert "hub: DATABASE_URL cannot be read: " in hub.output
        assert "pa55" not in hub.output

    @pytest.mark.parametrize(
        ("name", "url"),
        [
            ("DATABASE_URL", "postgresql://hub:pa55@127.0.0.1:1/hub"),
            ("REDIS_URL", "redis://:pa55@127.0.0.1:1/0"),
        ],
    )
    def test_of_an_unreachable_server_does_not_show_the_password(self, start: Start, name: str, url: str) -> None:
        hub = start(**{name: url})
        assert hub.end() == 1
        assert f"hub: The server of {name} cannot be used: " in hub.output
        assert "refused" in hub.output
        assert "pa55" not in hub.output
