"""The rules of ``DESIGN.md``, as tests: where imports may point, who commits, what every route must say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import events
from app.config import BEAT_SCHEDULE, QUEUES
from app.extensions import celery
from app.factory import TASKS
from app.kernel.http.app import Hub
from app.processes import PROCESSES

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app"
MODULES = sorted(APP.rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40

#: A room imports from lower floors only; ``factory`` is the roof and may import all.
FLOORS = {
    "config": 0,
    "extensions": 0,
    "processes": 0,
    "kernel": 1,
    "accounts": 2,
    "events": 2,
    "pdf": 2,
    "grn": 3,
    "sales": 3,
    "einvoices": 3,
    "stream": 3,
    "webhooks": 3,
    "admin": 5,
    "operations": 4,
    "local": 4,
    "factory": 6,
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _room(path: Path) -> str:
    return path.relative_to(APP).parts[0].removesuffix(".py")


def _imported_rooms(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module == "app":
            names = [f"app.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("app."):
                yield name.split(".")[1]


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _calls(path: Path, attribute: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute
    ]


def test_every_room_stands_on_a_floor() -> None:
    rooms = {_room(path) for path in MODULES} - {"__init__"}
    assert rooms == set(FLOORS)


def test_imports_point_downstairs() -> None:
    upward = [
        f"{_name(path)} imports {other}"
        for path in MODULES
        if (room := _room(path)) in FLOORS
        for other in _imported_rooms(path)
        if other != room and FLOORS[other] >= FLOORS[room]
    ]
    assert not upward


def test_only_the_unit_of_work_commits() -> None:
    committing = [_name(path) for path in MODULES if _calls(path, "commit")]
    assert committing == ["app/kernel/unit_of_work.py"]


def test_the_launcher_loads_nothing_of_the_application() -> None:
    """It only starts processes, and each start of the hub waits for it."""
    program = "import sys, app.local.launcher; print({'flask', 'sqlalchemy', 'celery'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_one_verb_alone_is_stored_by_its_statement() -> None:
    """What else is done in such a unit of work is stored apart from it: whoever joins this list must want that."""
    alone = [_name(path) for path in MODULES if "with sole_statement()" in path.read_text()]
    assert alone == ["app/sales/imports/single.py"]


def test_services_know_no_request() -> None:
    """A verb takes data and gives rows, whoever calls it: a view, a task, a command, a test."""
    edges = {
        "api",
        "schemas",
        "tasks",
        "models",
        "errors",
        "guards",
        "principals",
        "idempotency",
        "audit",
    }
    # Credentials are read from the request; that is their whole work.
    edges |= {"api_keys", "authenticator", "sessions", "web_sessions"}
    inside = [path for path in MODULES if not edges & {path.stem, path.parent.name}]
    rooms = [path for path in inside if FLOORS.get(_room(path)) in {2, 3}]
    knowing = [
        _name(path) for path in rooms if re.search(r"^from flask import .*\b(request|g)\b", path.read_text(), re.M)
    ]
    assert not knowing


def test_every_route_names_its_ability(app: Hub) -> None:
    silent = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            handler = getattr(view.view_class, method.lower()) if hasattr(view, "view_class") else view
            if not hasattr(handler, "ability"):
                silent.append(f"{method} {rule.rule}")
    assert not silent


def test_every_creating_post_takes_an_idempotency_key(app: Hub) -> None:
    document = app.json.loads(app.extensions["openapi"])
    without = [
        path
        for path, operations in document["paths"].items()
        if "201" in operations.get("post", {}).get("responses", {})
        and "Idempotency-Key" not in [p.get("name") for p in operations["post"].get("parameters", [])]
    ]
    assert not without


def test_every_task_has_a_queue_and_every_queue_a_worker(app: Hub) -> None:
    tasks = [name for name in celery.tasks if not name.startswith("celery.")]
    assert tasks
    assert {name.split(".")[0] for name in tasks} == set(QUEUES)
    served = {queue for process in PROCESSES for queue in process.queues}
    assert served == {*QUEUES.values(), "default"}


def test_every_module_of_tasks_is_known() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in APP.glob("*/tasks.py")}
    assert {module.__name__ for module in TASKS} == modules - {"app.kernel.worker.celery_app"}


def test_every_tick_names_a_task_and_cannot_pile_up() -> None:
    for tick in BEAT_SCHEDULE.values():
        assert tick["task"] in celery.tasks
        assert tick["options"]["expires"] < tick["schedule"]


def test_every_event_is_in_the_documents() -> None:
    page = (ROOT / "docs" / "events.md").read_text()
    missing = [name for name in events.CATALOGUE if f"`{name}`" not in page]
    assert not missing


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_modules_are_short_and_say_why_they_exist(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE
    assert ast.get_docstring(_tree(path)), f"{_name(path)} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_functions_are_short(path: Path) -> None:
    long = [f.name for f in _functions(path) if (f.end_lineno or 0) - f.lineno >= LONGEST_FUNCTION]
    assert not long


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError\(\"later)\b|except Exception:\s*pass|except:\s")
    left = [
        _name(path)
        for path in [*MODULES, *(ROOT / "tests").rglob("*.py")]
        if path != Path(__file__) and marks.search(path.read_text())
    ]
    assert not left
