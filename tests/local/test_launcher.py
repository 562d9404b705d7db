"""The launcher as a person meets it: a program that is started, watched, interrupted and killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.processes import ROOT
from tests.local.hubs import READY, SECONDS, Start, free_port

pytestmark = pytest.mark.drill

STAND_IN = [sys.executable, str(Path(__file__).with_name("stand_in.py"))]


@pytest.fixture
def start(ground: Path) -> Iterator[Start]:
    starter = Start(STAND_IN, ground / "var")
    yield starter
    starter.end_all()


class TestRunning:
    def test_says_where_to_look_and_what_to_type_once_it_is_ready(self, start: Start) -> None:
        hub = start()
        hub.wait_for("Ctrl-C stops everything.")
        key = hub.kept("SALES_IMPORT_API_KEY")
        assert f'curl -N "http://localhost:{hub.port}/api/sales/sse/invoices/" -H "X-API-KEY: {key}"' in hub.screen
        assert (
            f'curl -X POST "http://localhost:{hub.port}/api/sales/import/invoice/" '
            f'-H "Content-Type: application/json" -H "X-API-KEY: {key}" -d @{ROOT}/docs/examples/invoice.json'
        ) in hub.screen
        assert "web    | web speaks" in hub.screen
        assert "migrating" not in hub.screen

    def test_shows_no_secret_but_the_api_key(self, start: Start) -> None:
        hub = start()
        hub.wait_for(READY)
        hub.process.terminate()
        hub.end()
        for name in ("SECRET_KEY", "ADMIN_PASSWORD", "REDIS_URL"):
            assert hub.kept(name) not in hub.screen

    def test_the_second_start_is_quick_and_finds_the_same_secrets(self, start: Start) -> None:
        first = start()
        first.wait_for(READY)
        key = first.kept("SALES_IMPORT_API_KEY")
        first.process.terminate()
        first.end()
        began = time.monotonic()
        second = start()
        second.wait_for(READY)
        assert time.monotonic() - began < 20
        assert second.kept("SALES_IMPORT_API_KEY") == key


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order_and_without_a_traceback(start: Start, kind: signal.Signals) -> None:
    hub = start()
    hub.wait_for(READY)
    hub.process.send_signal(kind)
    assert hub.end() == 0
    hub.wait_until_nothing_runs()
    assert hub.screen.endswith("hub: stopping ...\nhub: stopped.\n")
    assert "Traceback" not in hub.screen
    assert "database system is shut down" in (hub.data_dir / "postgres/server.log").read_text()


def test_a_signal_during_the_start_stops_as_cleanly(start: Start) -> None:
    hub = start()
    hub.wait_for("starting PostgreSQL")
    hub.process.send_signal(signal.SIGINT)
    hub.process.send_signal(signal.SIGINT)
    assert hub.end() == 0
    hub.wait_until_nothing_runs()
    assert "Traceback" not in hub.screen


def test_a_process_that_ignores_the_signal_is_killed_in_time_and_named(start: Start) -> None:
    hub = start(STUBBORN="1")
    hub.wait_for(READY)
    began = time.monotonic()
    hub.process.terminate()
    assert hub.end() == 0
    assert time.monotonic() - began < 25
    hub.wait_until_nothing_runs()
    assert "stubborn did not stop within 6 s and was killed." in hub.screen


class TestCrash:
    def test_of_a_process_stops_the_hub_and_names_it(self, start: Start) -> None:
        hub = start(WORKER_SECONDS="0")
        assert hub.end() == 1
        hub.wait_until_nothing_runs()
        assert "hub: worker ended with exit code 0; its last lines are above.\n" in hub.screen

    def test_by_kill_is_named_as_such(self, start: Start) -> None:
        hub = start()
        hub.wait_for(READY)
        for pid in hub.descendants():
            if b"http.server" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        assert hub.end() == 1
        assert "hub: web was killed by SIGKILL; its last lines are above.\n" in hub.screen

    @pytest.mark.parametrize(("program", "name"), [("postgres", "PostgreSQL"), ("valkey-server", "Valkey")])
    def test_of_a_server_stops_the_hub_and_names_its_log(self, start: Start, program: str, name: str) -> None:
        hub = start()
        hub.wait_for(READY)
        pids = [pid for pid in hub.descendants() if Path(f"/proc/{pid}/exe").readlink().name == program]
        os.kill(min(pids), signal.SIGKILL)
        assert hub.end() == 1
        hub.wait_until_nothing_runs()
        assert f"hub: {name} was killed by SIGKILL: " in hub.screen
        assert "server.log)\n" in hub.screen

    def test_of_a_preparation_shows_what_it_said(self, start: Start) -> None:
        hub = start(MIGRATION_EXIT="7")
        assert hub.end() == 1
        assert "migrating\nhub: migrations ended with exit code 7; its lines are above.\n" in hub.screen

    def test_of_the_launcher_itself_leaves_nothing_running_and_the_next_start_works(self, start: Start) -> None:
        hub = start()
        hub.wait_for(READY)
        hub.process.kill()
        hub.end()
        again = start()
        again.wait_for(READY)
        again.process.terminate()
        assert again.end() == 0
        again.wait_until_nothing_runs()


def test_a_terminal_that_goes_away_without_a_signal_takes_the_hub_with_it(ground: Path) -> None:
    """The shell of a closed window may end before it passes the hang-up on; the hub must not run unseen."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": str(free_port())}
    with subprocess.Popen(
        STAND_IN,
        env={**environment, "DATA_DIR": str(ground / "var")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as hub:
        assert hub.stdout
        while READY not in hub.stdout.readline().decode():
            pass
        hub.stdout.close()
        assert hub.wait(SECONDS) != 0


class TestRefusal:
    def test_of_a_port_in_use_is_one_line_and_says_what_to_type(self, start: Start) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            hub = start(PORT=str(port))
            assert hub.end() == 1
        assert hub.screen == f"hub: Port {port} is in use. Start on another one: PORT={port + 1} make run\n"

    def test_of_a_second_hub_on_the_same_data_names_the_first(self, start: Start) -> None:
        first = start()
        first.wait_for(READY)
        second = start()
        assert second.end() == 1
        assert f"A hub runs on {first.data_dir} already (process {first.process.pid})" in second.screen
        assert second.screen.count("\n") == 1

    def test_of_a_data_folder_that_cannot_be_made(self, start: Start, ground: Path) -> None:
        (ground / "file").touch()
        hub = start(DATA_DIR=str(ground / "file"))
        assert hub.end() == 1
        assert hub.screen == f"hub: DATA_DIR {ground}/file cannot be made: File exists.\n"

    @pytest.mark.parametrize("url", ["mysql://hub:pa55@127.0.0.1/hub", "postgresql://hub:pa55 word@127.0.0.1/hub"])
    def test_of_an_address_that_cannot_be_read_keeps_its_password(self, start: Start, url: str) -> None:
        hub = start(DATABASE_URL=url)
        assert hub.end() == 1
        assert "hub: DATABASE_URL cannot be read: " in hub.screen
        assert "pa55" not in hub.screen

    @pytest.mark.parametrize(
        ("name", "url"),
        [
            ("DATABASE_URL", "postgresql://hub:pa55@127.0.0.1:1/hub"),
            ("REDIS_URL", "redis://:pa55@127.0.0.1:1/0"),
        ],
    )
    def test_of_a_server_that_is_not_there_keeps_its_password(self, start: Start, name: str, url: str) -> None:
        hub = start(**{name: url})
        assert hub.end() == 1
        assert f"hub: The server of {name} cannot be used: " in hub.screen
        assert "refused" in hub.screen
        assert "pa55" not in hub.screen
