"""Image, compose file, systemd units, alerts, dashboard: they agree with the process list and the metrics."""

from __future__ import annotations

import configparser
import fnmatch
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app.config import Settings
from app.kernel.worker.celery_app import HARD_LIMIT
from app.local.shared_programs import PROGRAMS, STOP_SECONDS
from app.pdf.print_queue import BUDGET
from app.pdf.scripts import FONT_PACKAGES
from app.processes import MIGRATE, PROCESSES, HubProcess
from app.storage_settings import StorageSettings
from app.webhooks.tasks import HARD_LIMIT as SENDING_HARD_LIMIT

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "deploy" / "systemd"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
#: Variables of gunicorn, Celery, Flower, Python and the metrics; they are no settings of the hub.
OTHERS = {
    "PYTHONUNBUFFERED", "DATA_DIR", "HOST", "PORT", "WEB_CONCURRENCY", "METRICS_PORT", "PROMETHEUS_MULTIPROC_DIR",
    "FLOWER_ADDRESS", "FLOWER_PORT", "FLOWER_BASIC_AUTH", "FLOWER_READ_ONLY", "PATH",
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "EVENT_RETENTION_DAYS", "API_CALL_RETENTION_DAYS",
    "WEBHOOK_RETENTION_DAYS", "XDG_CACHE_HOME",
}  # fmt: skip
SETTINGS = {field.name.upper() for field in fields(Settings)} | {"SALES_IMPORT_API_KEY"}
SETTINGS |= {f"STORAGE_{field.name.upper()}" for field in fields(StorageSettings)}


def command(process: HubProcess, data_dir: str) -> list[str]:
    """The arguments of a process of the list, without the Python of this machine."""
    _, *arguments = process.arguments({"DATA_DIR": data_dir})
    return arguments


def instructions() -> Iterator[tuple[str, str]]:
    """The instructions of the Dockerfile: keyword and arguments, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            keyword, _, arguments = line.strip().partition(" ")
            yield keyword, arguments


def copied_sources(steps: Iterable[tuple[str, str]]) -> list[str]:
    """Paths that are copied from the checkout."""
    copies = [rest.split()[:-1] for word, rest in steps if word == "COPY" and "--from" not in rest]
    return [source for sources in copies for source in sources]


def last_stage() -> list[tuple[str, str]]:
    steps = list(instructions())
    begin = max(number for number, (word, _) in enumerate(steps) if word == "FROM")
    return steps[begin:]


class TestCompose:
    @pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
    def test_runs_the_processes_of_the_list(self, process: HubProcess) -> None:
        assert COMPOSE["services"][process.name]["command"] == ["python", *command(process, "/srv/hub")]

    def test_runs_no_other_process_of_the_hub(self) -> None:
        ours = {name for name, service in COMPOSE["services"].items() if service["image"] == "invoice-hub"}
        assert ours == {process.name for process in PROCESSES} | {"migrate"}

    def test_migrates_before_anything_starts(self) -> None:
        for process in PROCESSES:
            after = COMPOSE["services"][process.name]["depends_on"]["migrate"]
            assert after == {"condition": "service_completed_successfully"}
        assert COMPOSE["services"]["migrate"]["command"] == ["python", *command(MIGRATE, "/srv/hub")]

    def test_sets_only_known_variables(self) -> None:
        for name, service in COMPOSE["services"].items():
            if service["image"] == "invoice-hub":
                assert set(service["environment"]) <= SETTINGS | OTHERS, name

    def test_passes_every_documented_setting_with_its_default(self) -> None:
        rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`(.*?)`|none) \|", (ROOT / "docs/operating.md").read_text(), re.M)
        assert len(rows) > 25
        web = COMPOSE["services"]["web"]["environment"]
        # The image and the compose file decide these themselves.
        own = {"ENVIRONMENT", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "STORAGE_DIR"}
        assert own - {"STORAGE_DIR"} <= set(web)
        passed = {name: web.get(name) for name, _ in rows if name not in own}
        assert passed == {name: f"${{{name}:-{default}}}" for name, default in rows if name not in own}

    def test_every_setting_is_documented(self) -> None:
        documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/operating.md").read_text(), re.M))
        text = "".join((ROOT / "app" / name).read_text() for name in ("config.py", "storage_settings.py"))
        read = set(re.findall(r'(?:env\.\w+|_needed)\((?:env, )?"([A-Z_]+)"', text))
        assert "STORAGE_URL" in read
        assert len(read) > 20
        assert read <= documented

    def test_the_defaults_of_compose_are_valid(self, monkeypatch: pytest.MonkeyPatch) -> None:
        web = {name: str(value) for name, value in COMPOSE["services"]["web"]["environment"].items()}
        for name, value in web.items():
            monkeypatch.setenv(name, re.sub(r"\$\{\w+:[-?](.*?)\}", r"\1", value).replace("in .env", "secret"))
        monkeypatch.setenv("SECRET_KEY", "0123456789abcdef0123456789abcdef")
        monkeypatch.setenv("STORAGE_DIR", "/srv/hub/storage")
        settings = Settings.from_environment()
        assert (settings.is_production, settings.tracing, settings.login_limit) == (True, False, "10 per minute")

    def test_the_example_holds_every_variable(self) -> None:
        text = (ROOT / "compose.yaml").read_text()
        needed = set(re.findall(r"\$\{(\w+):\?", text))
        given = set(re.findall(r"^(\w+)=", (ROOT / "deploy/docker/example.env").read_text(), re.M))
        assert needed <= given <= set(re.findall(r"\$\{(\w+)", text))

    def test_flower_and_web_listen_on_loopback_only(self) -> None:
        assert COMPOSE["services"]["flower"]["ports"] == ["127.0.0.1:${FLOWER_PORT:-5555}:5555"]
        assert COMPOSE["services"]["web"]["ports"] == ["${HUB_ADDRESS:-127.0.0.1}:${HUB_PORT:-8000}:8000"]
        assert COMPOSE["services"]["flower"]["environment"]["FLOWER_READ_ONLY"] == "true"
        assert ":?" in COMPOSE["services"]["flower"]["environment"]["FLOWER_BASIC_AUTH"]
        assert "ports" not in COMPOSE["services"]["postgres"] | COMPOSE["services"]["valkey"]

    def test_the_grace_period_is_longer_than_the_task_limit(self) -> None:
        grace = {
            name: int(s["stop_grace_period"].rstrip("s"))
            for name, s in COMPOSE["services"].items()
            if "stop_grace_period" in s
        }
        assert grace["worker"] > HARD_LIMIT
        # A run of the printer begins nothing after the budget; a long document that is cut off is printed again.
        assert grace["printer"] > 10 * BUDGET
        assert min(grace["webhooks"], grace["retries"]) > SENDING_HARD_LIMIT


class TestSmallServer:
    services: dict[str, Any] = yaml.safe_load((ROOT / "deploy/docker/small.yaml").read_text())["services"]

    def test_the_container_of_web_runs_the_programs_that_have_none(self) -> None:
        assert self.services["web"]["command"] == ["python", "-m", "app.local.shared_programs"]
        without = {name for name, service in self.services.items() if service == {"profiles": ["separate"]}}
        assert set(self.services) == without | {"web"} == {program.name for program in PROGRAMS}
        assert set(self.services) < set(COMPOSE["services"])

    def test_the_programs_share_one_folder_of_metrics(self) -> None:
        assert self.services["web"]["environment"] == {"METRICS_PORT": ""}

    def test_the_grace_period_is_longer_than_that_of_the_programs(self) -> None:
        assert int(self.services["web"]["stop_grace_period"].rstrip("s")) > STOP_SECONDS


class TestUnits:
    @staticmethod
    def unit(path: Path) -> configparser.ConfigParser:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(path.read_text())
        return parser

    @pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
    def test_run_the_processes_of_the_list(self, process: HubProcess) -> None:
        service = self.unit(SYSTEMD / f"invoice-hub-{process.name}.service")["Service"]
        # A percent sign is doubled: systemd has specifiers of its own.
        started = [word.replace("%%", "%") for word in shlex.split(service["ExecStart"])]
        assert started == ["/opt/invoice-hub/.venv/bin/python", *command(process, "/var/lib/invoice-hub")]
        assert service["User"] == "invoice-hub"
        assert service["KillMode"] == "mixed"

    def test_the_first_one_migrates(self) -> None:
        service = self.unit(SYSTEMD / "invoice-hub-migrate.service")["Service"]
        started = shlex.split(service["ExecStart"])
        assert started == ["/opt/invoice-hub/.venv/bin/python", *command(MIGRATE, "/var/lib/invoice-hub")]

    def test_there_is_no_other_unit(self) -> None:
        units = {path.stem.removeprefix("invoice-hub-") for path in SYSTEMD.glob("*.service")}
        assert units == {process.name for process in PROCESSES} | {"migrate"}

    def test_the_target_wants_all_but_flower(self) -> None:
        wanted = self.unit(SYSTEMD / "invoice-hub.target")["Unit"]["Wants"].split()
        assert set(wanted) == {f"invoice-hub-{p.name}.service" for p in PROCESSES if p.name != "flower"}

    def test_the_example_holds_only_known_variables(self) -> None:
        named = set(re.findall(r"^(\w+)=", (SYSTEMD / "example.env").read_text(), re.M))
        assert named <= SETTINGS | OTHERS


class TestImage:
    def test_copies_existing_files_that_are_not_ignored(self) -> None:
        ignore = (ROOT / ".dockerignore").read_text().splitlines()
        kept = [line.removeprefix("!") for line in ignore if line.startswith("!")]
        copied = copied_sources(instructions())
        assert copied
        for source in copied:
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source, pattern) or source.startswith(f"{pattern}/") for pattern in kept), source

    def test_everything_that_the_hub_imports_is_copied(self) -> None:
        assert {"app", "migrations", "wsgi.py", "celery_worker.py"} <= set(copied_sources(last_stage()))

    def test_runs_as_its_own_user_and_holds_no_compiler(self) -> None:
        steps = last_stage()
        assert [rest for word, rest in steps if word == "USER"] == ["hub"]
        installed = " ".join(rest for word, rest in steps if word == "RUN")
        assert not re.search(r"gcc|build-essential|g\+\+|make\b|-dev\b|pip install", installed)

    def test_installs_the_libraries_that_the_local_run_installs(self) -> None:
        setup = (ROOT / "app/local/setup.sh").read_text()
        wanted = set(re.findall(r"(?:\.so\.\d+|[0-9a-f]{3}):(\S+?)[\s\"]", setup))
        assert wanted > set(FONT_PACKAGES)
        installed = " ".join(rest for word, rest in last_stage() if word == "RUN")
        assert wanted
        assert all(package in installed.split() for package in wanted)

    def test_compiles_the_translations_that_git_does_not_have(self) -> None:
        steps = last_stage()
        [compiling] = [at for at, (word, rest) in enumerate(steps) if "app.admin.i18n.catalogs compile" in rest]
        assert steps.index(("COPY", "app app")) < compiling < steps.index(("USER", "hub"))
        assert "*.mo" in (ROOT / ".gitignore").read_text().splitlines()

    def test_runs_the_web_by_default(self) -> None:
        [default] = [json.loads(rest) for word, rest in last_stage() if word == "CMD"]
        [web] = [process for process in PROCESSES if process.name == "web"]
        assert default == ["python", *command(web, "/srv/hub")]

    def test_sets_only_known_variables(self) -> None:
        variables = {name for word, rest in last_stage() if word == "ENV" for name in re.findall(r"(\w+)=", rest)}
        assert variables
        assert variables <= SETTINGS | OTHERS

    def test_the_probe_fails_without_a_server(self, anybody: FlaskClient) -> None:
        program = [sys.executable, str(ROOT / "deploy/docker/probe.py")]
        gone = subprocess.run(program, env={"PORT": "1"}, capture_output=True, text=True, check=False)
        assert (gone.returncode, "refused" in gone.stderr) == (1, True)


class TestAlertsAndDashboard:
    @pytest.fixture
    def known(self, anybody: FlaskClient) -> set[str]:
        """Names of all samples of the hub's metrics."""
        families = text_string_to_metric_families(anybody.get("/metrics").get_data(as_text=True))
        names = set()
        for family in families:
            suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
            names |= {f"{family.name}{suffix}" for suffix in suffixes}
        return names

    def expressions(self) -> dict[str, list[str]]:
        rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
        board = json.loads((ROOT / "deploy/grafana/invoice-hub.json").read_text())
        return {
            "alerts": [rule["expr"] for group in rules["groups"] for rule in group["rules"]],
            "dashboard": [target["expr"] for panel in board["panels"] for target in panel["targets"]],
        }

    @pytest.mark.parametrize("where", ["alerts", "dashboard"])
    def test_uses_only_metrics_that_exist(self, known: set[str], where: str) -> None:
        used = {name for text in self.expressions()[where] for name in re.findall(r"\bhub_\w+", text)}
        assert len(used) >= 10
        assert used <= known

    def test_every_metric_is_shown_somewhere(self, known: set[str]) -> None:
        shown = " ".join(self.expressions()["dashboard"] + self.expressions()["alerts"])
        bare = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in known if name.startswith("hub_")}
        assert not [name for name in bare if name not in shown and name not in UNSHOWN]

    def test_every_alert_has_an_action(self) -> None:
        rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
        for rule in rules["groups"][0]["rules"]:
            assert set(rule["annotations"]) == {"summary", "action"}, rule["alert"]
            assert rule["labels"]["severity"] in {"page", "warning"}


#: Counters that no panel or alert shows: the hub repairs these failures by itself.
UNSHOWN = {"hub_after_commit_failures", "hub_after_commit_failures_total"}


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_proxies_do_not_buffer_streams_and_hide_metrics(name: str) -> None:
    text = (ROOT / "deploy/proxy" / name).read_text()
    assert "/metrics" in text
    assert "proxy_buffering off" in text or "flush_interval -1" in text
