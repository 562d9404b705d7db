"""The image, built without Docker: each step of the Dockerfile in a clean folder; the resulting hub; shutdowns."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from app.local.servers.temporary import temporary_servers
from app.processes import PROCESSES
from tests.drills.hubs import HEADERS, ROOT, DrillHub, drill_hub, free_port, wait_for
from tests.factories import a_sale
from tests.operations.test_deployment import instructions

pytestmark = pytest.mark.drill


@dataclass
class Image:
    """The result of the Dockerfile below ``root``, which stands for the root folder of the image."""

    root: Path
    workdir: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    health: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        """Replace paths of the image by paths below ``root``, and build arguments by their defaults."""
        text = re.sub(r"\$\{(\w+)\}", lambda found: self.arguments[found[1]], text)
        return re.sub(r"(?<![\w.])/(opt|srv)\b", rf"{self.root}/\1", text)

    def take(self, word: str, rest: str) -> None:
        """Run one instruction of the Dockerfile, as far as that is possible outside a container."""
        if word == "COPY":
            self._copy(rest)
        elif word == "RUN":
            self._run(rest)
        elif word == "WORKDIR":
            self.workdir = Path(self.inside(rest))
            self.workdir.mkdir(parents=True, exist_ok=True)
        elif word == "ENV":
            self.environment |= dict(pair.split("=", 1) for pair in shlex.split(self.inside(rest)))
        elif word == "ARG":
            self.arguments |= dict([rest.split("=", 1)])
        elif word == "HEALTHCHECK":
            self.health = json.loads(self.inside(rest[rest.index("[") :]))
        elif word == "CMD":
            self.command = json.loads(rest)
        else:
            assert word in {"FROM", "USER", "VOLUME", "EXPOSE"}, word

    def _copy(self, rest: str) -> None:
        *sources, target = rest.split()
        if sources[0].startswith("--from"):
            # Both stages share this root: what is copied to the same path is there already.
            source, place = Path(self.inside(sources[1])), Path(self.inside(target))
            if source != place:
                shutil.copytree(source, self.workdir / place)
            return
        for source in sources:
            # Relative targets are below the work folder; a folder is copied with what it holds.
            place = Path(self.inside(target)) if target.startswith("/") else self.workdir / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "vendor"))
            else:
                place = place / Path(source).name if target.endswith(("/", ".")) else place
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / source, place)

    def _run(self, rest: str) -> None:
        for step in rest.split(" && "):
            program, *words = shlex.split(self.inside(step))
            if program == "apt-get" and words[0] == "install":
                packages = [word for word in words[1:] if not word.startswith("-")]
                for package in packages:
                    known = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
                    assert known.returncode == 0 or _is_installed(package), f"no package {package}"
            elif program in {"apt-get", "rm", "useradd"}:
                assert shutil.which(program, path="/usr/sbin:/usr/bin:/bin")
            elif program == "install":
                folders = [word for word in words if word.startswith(str(self.root))]
                assert folders
                for folder in folders:
                    Path(folder).mkdir(parents=True, exist_ok=True)
            else:
                program = sys.executable if program == "python" else program
                done = subprocess.run([program, *words], cwd=self.workdir, capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{step}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    def run(self, *words: str, **facts: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the image with the environment of the image only."""
        environment = {**self.full_environment(), **facts}
        program = shutil.which(words[0], path=environment["PATH"])
        assert program, words[0]
        assert program.startswith(str(self.root)), f"{words[0]} is not of the image"
        return subprocess.run(
            [program, *words[1:]], cwd=self.workdir, env=environment, capture_output=True, text=True, check=False
        )

    def full_environment(self) -> dict[str, str]:
        path = self.environment["PATH"].replace("$PATH", "/usr/bin:/bin")
        return {**self.environment, "PATH": path, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}


def _is_installed(package: str) -> bool:
    return subprocess.run(["dpkg", "-s", package], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image after all steps of the Dockerfile."""
    defaults = dict(rest.split("=", 1) for word, rest in instructions() if word == "ARG")
    version = defaults["PYTHON"]
    assert version == f"{sys.version_info.major}.{sys.version_info.minor}", "this Python is not the image's"
    root = tmp_path_factory.mktemp("image")
    made = Image(root, root / "build")
    made.workdir.mkdir()
    for word, rest in instructions():
        made.take(word, rest)
    return made


@contextmanager
def running(image: Image) -> Iterator[dict[str, str]]:
    """Start the web process of the image with own servers; return its settings."""
    with temporary_servers() as (postgres, valkey), ExitStack() as stack:
        facts = {
            "SECRET_KEY": "a secret of the drills, long enough for production",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "SALES_IMPORT_API_KEY": HEADERS["X-API-KEY"],
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
            "WEB_CONCURRENCY": "1",
        }
        migrated = image.run("python", "-m", "flask", "--app", "wsgi", "hub", "migrate", **facts)
        assert migrated.returncode == 0, migrated.stderr
        environment = {**image.full_environment(), **facts}
        program = shutil.which(image.command[0], path=environment["PATH"]) or ""
        web = subprocess.Popen([program, *image.command[1:]], cwd=image.workdir, env=environment)
        stack.callback(web.wait)
        stack.callback(web.terminate)
        yield facts


@pytest.mark.takes_turns("image")
def test_the_image_is_small_and_holds_no_servers(image: Image) -> None:
    # The processor of the official rules takes 80 MiB of it. Both stages share this root; the rest below /opt stays in
    # the builder.
    folders = [image.root / "opt/hub", image.root / "opt/app"]
    size = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
    assert size < 420 * 2**20, f"{size / 2**20:.0f} MiB"
    programs = {path.name for path in (image.root / "opt/hub").rglob("pginstall*/bin/*")}
    assert programs == {"pg_dump", "pg_restore", "psql"}
    assert not list((image.root / "opt/hub").rglob("valkey-server"))
    assert not list((image.root / "opt/app").rglob("tests"))


@pytest.mark.takes_turns("image")
def test_the_image_serves_requests_and_is_healthy(image: Image, tmp_path: Path) -> None:
    with running(image) as facts:
        wait_for(lambda: image.run(*image.health, **facts).returncode == 0, 60)
        flask = ("python", "-m", "flask", "--app", "wsgi")
        doctor = image.run(*flask, "hub", "doctor", **facts)
        assert "FAULT" not in doctor.stdout, doctor.stdout
        assert doctor.returncode == 0, doctor.stderr
        backup = image.run(*flask, "hub", "backup", str(tmp_path), **facts)
        assert backup.returncode == 0, backup.stderr
    for process in PROCESSES:
        _, module_flag, module, *_ = process.command
        found = image.run("python", "-c", f"import {module}")
        assert (module_flag, found.returncode) == ("-m", 0), found.stderr


@pytest.mark.takes_turns("image")
def test_the_probe_of_the_image_fails_when_the_hub_is_not_ready(image: Image) -> None:
    done = image.run(*image.health, PORT=str(free_port()))
    assert (done.returncode, "refused" in done.stderr) == (1, True)


@pytest.fixture(scope="module")
def hub() -> Iterator[DrillHub]:
    """A hub for the drills that stop processes."""
    with drill_hub(LOG_LEVEL="INFO") as running_hub:
        wait_for(lambda: running_hub.get("/healthz/worker")[0] == 200, 90)
        yield running_hub


class TestStopping:
    def test_stopping_a_web_process_loses_no_request(self, hub: DrillHub) -> None:
        answers: list[int] = []
        stopped = threading.Event()

        def import_on() -> None:
            while not stopped.is_set():
                try:
                    answers.append(hub.post("/api/sales/import/invoice/", a_sale(), web=1)[0])
                except OSError:  # it takes no more connections: nothing was begun
                    return

        threads = [threading.Thread(target=import_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(answers) > 20, 30)
        hub.children["web 1"].send_signal(signal.SIGTERM)
        code = hub.children["web 1"].wait(15)
        stopped.set()
        for thread in threads:
            thread.join()
        assert code == 0
        assert set(answers) == {201}
        [(stored,)] = hub.sql("SELECT count(*) FROM sales_invoices")
        assert stored == len(answers)
        # Whoever stops in order is not missed.
        assert json.loads(hub.get("/healthz/worker")[1]).get("lost") == []

    def test_a_stopping_worker_finishes_its_task(self, hub: DrillHub) -> None:
        """The worker is stopped while its task, the relay, waits for the lock of the event head."""
        with psycopg.connect(hub.postgres.url) as holding:
            holding.execute("SELECT position FROM event_head FOR UPDATE")
            hub.post("/api/sales/import/invoice/", a_sale())
            wait_for(lambda: _waiting_for_a_lock(hub), 15)
            hub.children["worker"].send_signal(signal.SIGTERM)
            time.sleep(1)
            assert hub.children["worker"].poll() is None
        assert hub.children["worker"].wait(30) == 0
        assert hub.sql("SELECT count(*) FROM events WHERE position IS NULL") == [(0,)]
        hub.start(next(process for process in PROCESSES if process.name == "worker"))

    def test_beat_stops_normally(self, hub: DrillHub) -> None:
        hub.children["beat"].send_signal(signal.SIGTERM)
        assert hub.children["beat"].wait(15) == 0


def _waiting_for_a_lock(hub: DrillHub) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%event_head%%'"
    return bool(hub.sql(query)[0][0])
