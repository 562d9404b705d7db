"""All programs in one container of a small server: each that ends is started again alone, and one signal stops all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from app.local.servers.temporary import temporary_servers
from app.local.shared_programs import PROGRAMS, STOP_SECONDS
from app.processes import ROOT
from tests.local.hubs import free_port

pytestmark = pytest.mark.slow
SECONDS = 150.0


@contextmanager
def shared(folder: Path, **servers: str) -> Iterator[subprocess.Popen[bytes]]:
    """The programs as the container runs them, with their output in ``folder``."""
    environment = environment_in(folder, **servers)
    with (folder / "output").open("wb") as output:
        command = [sys.executable, "-m", "app.local.shared_programs"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def environment_in(folder: Path, **servers: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "a secret of the tests, long enough for production",
        "STORAGE_DIR": str(folder / "storage"),
        "DATA_DIR": str(folder),
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        "PORT": str(free_port()),
        "WEB_CONCURRENCY": "1",
        **servers,
    }


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def all_queues_are_consumed(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/worker", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def mains(process: subprocess.Popen[bytes]) -> dict[str, int]:
    """The main process of each program by its title, as ``ps`` shows it.

    A process that was just forked has the title of its parent for a moment.
    """
    titled: dict[int, tuple[str, int]] = {}
    for each in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            title = " ".join(each.cmdline())
            for name in (program.name for program in PROGRAMS):
                titles = (f"[celeryd: {name}@", "gunicorn: master" if name == "web" else f"[celery {name}]")
                if title.startswith(titles) and "ForkPoolWorker" not in title:
                    titled[each.pid] = (name, each.ppid())
    return {name: pid for pid, (name, parent) in titled.items() if titled.get(parent, ("", 0))[0] != name}


def wait_for_another(process: subprocess.Popen[bytes], name: str, killed: int) -> dict[str, int]:
    """The main processes once that of ``name`` is another one than ``killed``."""
    wait_for(lambda: mains(process).get(name, killed) != killed)
    return mains(process)


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that run on five seconds later; one that has ended may wait for its parent to take note of it."""
    return [each for each in psutil.wait_procs(processes, 5)[1] if each.status() != psutil.STATUS_ZOMBIE]


def test_a_killed_program_comes_back_alone_and_a_signal_stops_all(tmp_path: Path) -> None:
    port = free_port()
    with temporary_servers() as (postgres, valkey):
        servers = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url, "PORT": str(port)}
        migrate = [sys.executable, "-m", "flask", "--app", "wsgi", "hub", "migrate"]
        subprocess.run(migrate, cwd=ROOT, env=environment_in(tmp_path, **servers), check=True, capture_output=True)
        with shared(tmp_path, **servers) as process:
            wait_for(lambda: all_queues_are_consumed(port))
            wait_for(lambda: set(mains(process)) == {program.name for program in PROGRAMS})
            before = mains(process)
            for name in ("printer", "web", "beat"):
                os.kill(before[name], signal.SIGKILL)
                after = wait_for_another(process, name, before[name])
                assert {**after, name: before[name]} == before
                before = after
            wait_for(lambda: all_queues_are_consumed(port))
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0
            assert living(children) == []
    own = [line for line in (tmp_path / "output").read_text().splitlines() if line.startswith("hub: ")]
    assert own == [f"hub: {name} was killed by SIGKILL; it is started again." for name in ("printer", "web", "beat")]


def test_the_end_of_the_process_that_loads_is_the_end_of_all(tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgresql://hub@127.0.0.1:1/hub", "REDIS_URL": "redis://127.0.0.1:1/0"}
    with shared(tmp_path, **nowhere) as process:
        wait_for(lambda: "beat" in mains(process))
        children = psutil.Process(process.pid).children(recursive=True)
        [loaded] = [each for each in children if "app.local.children.fork_server" in each.cmdline()]
        loaded.kill()
        assert process.wait(SECONDS) == 1
        assert living(children) == []
    assert "hub: the process that loads the application has ended: " in (tmp_path / "output").read_text()
