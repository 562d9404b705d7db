"""The rules of ``docs/architecture.md`` as tests: layers, packages, names, budgets, commits, routes, tasks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from app import events
from app.celery_config import BEAT_SCHEDULE, RENAMED_TASKS, ROUTES, Queue
from app.extensions import celery
from app.factory import PACKAGES, TASKS
from app.kernel.http.app import Hub
from app.operations.api_docs import openapi_document
from app.processes import PROCESSES

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app"
MODULES = sorted(APP.rglob("*.py"))
TEST_MODULES = sorted((ROOT / "tests").rglob("*.py"))
MAX_MODULE_LINES, MAX_FUNCTION_LINES, MAX_TEST_LINES = 300, 40, 400
#: A folder with more modules gets subpackages, by role or by feature.
MAX_MODULES_PER_FOLDER = 15

#: A package imports from lower layers only; ``factory`` may import all.
LAYERS = {
    "languages": -1,  # a setting names one
    "config_values": -1,
    "process_numbers": -1,  # a setting has the same limits
    "redis_servers": -1,
    "storage_settings": -1,
    "config": 0,
    "celery_config": 0,
    "flower_settings": 0,
    "extensions": 0,
    "processes": 1,
    "kernel": 1,
    "accounts": 2,
    "events": 2,
    "evidence": 2,
    "pdf": 2,
    "tables": 2,
    "formats": 2,
    "rules": 3,
    "grn": 4,
    "sales": 4,
    "einvoices": 4,
    "stream": 4,
    "webhooks": 4,
    "operations": 5,
    "local": 5,
    "provider_simulator": 5,
    "admin": 6,
    "factory": 7,
}
#: Folders of the recipe: their modules are named after the business, so the names repeat from folder to folder.
ROLES = {"api", "schemas", "models", "views", "cli", "forms"}
#: Modules with one meaning in every package.
SHARED_NAMES = {
    "__init__",
    "__main__",
    "access",
    "api",
    "cli",
    "columns",
    "demo",
    "errors",
    "events",
    "lookup",
    "masters",
    "models",
    "print_job",
    "register",
    "retention",
    "samples",
    "schemas",
    "search",
    "service",
    "tasks",
    "translations",
}
#: Words that end like a gerund and are none, or are the field's own nouns.
NOUNS_IN_ING = {"packing_list", "numbering", "tracing"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _package(path: Path) -> str:
    return path.relative_to(APP).parts[0].removesuffix(".py")


def _imported_packages(path: Path) -> Iterator[str]:
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


class TestPackages:
    def test_every_package_has_a_layer(self) -> None:
        assert {_package(path) for path in MODULES} - {"__init__"} == set(LAYERS)

    def test_imports_point_to_lower_layers(self) -> None:
        wrong = [
            f"{_name(path)} imports {other}"
            for path in MODULES
            if (package := _package(path)) in LAYERS
            for other in _imported_packages(path)
            if other != package and LAYERS[other] >= LAYERS[package]
        ]
        assert not wrong

    def test_a_folder_holds_few_modules(self) -> None:
        modules = Counter(path.parent for path in MODULES if path.name != "__init__.py")
        assert not {_name(folder): count for folder, count in modules.items() if count > MAX_MODULES_PER_FOLDER}

    def test_modules_of_different_content_have_different_names(self) -> None:
        places = defaultdict(list)
        for path in MODULES:
            if path.stem not in SHARED_NAMES and path.parent.name not in ROLES:
                places[path.stem].append(_name(path))
        assert not {name: found for name, found in places.items() if len(found) > 1}

    def test_modules_are_named_by_nouns(self) -> None:
        gerund = re.compile(r"(^|_)[a-z]{2,}ing($|_)")
        assert not [_name(path) for path in MODULES if gerund.search(path.stem) and path.stem not in NOUNS_IN_ING]

    def test_every_package_is_registered(self) -> None:
        registers = {path.parent.name for path in APP.glob("*/register.py")} - {"admin"}
        assert {package.__name__.split(".")[1] for package in PACKAGES} == registers

    def test_the_launcher_loads_nothing_of_the_application(self) -> None:
        """It only starts processes, and every start of the hub waits for it."""
        program = "import sys, app.local.launcher; print({'flask', 'sqlalchemy', 'celery'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
        assert done.stdout == "set()\n"


class TestTransactions:
    def test_only_the_unit_of_work_commits(self) -> None:
        assert [_name(path) for path in MODULES if _calls(path, "commit")] == ["app/kernel/unit_of_work.py"]

    def test_only_the_single_import_uses_a_sole_statement(self) -> None:
        """Other writes of the same unit of work are stored in a transaction of their own: the caller must want that."""
        users = [_name(path) for path in MODULES if "with sole_statement()" in path.read_text()]
        assert users == ["app/sales/imports/single.py"]

    def test_services_do_not_read_the_request(self) -> None:
        """A service takes data and returns rows, for a view, a task, a command or a test."""
        edges = {"api", "schemas", "tasks", "models", "errors", "guards", "principals", "idempotency", "audit"}
        # These read credentials from the request.
        edges |= {"api_keys", "authenticator", "login_limits", "sessions", "web_sessions"}
        services = [
            path
            for path in MODULES
            if LAYERS.get(_package(path)) in {2, 3, 4} and not edges & {path.stem, path.parent.name}
        ]
        reads_request = re.compile(r"^from flask import .*\b(request|g)\b", re.M)
        assert not [_name(path) for path in services if reads_request.search(path.read_text())]


class TestRoutes:
    def test_every_route_names_its_ability(self, app: Hub) -> None:
        without = []
        for rule in app.url_map.iter_rules():
            view = app.view_functions[rule.endpoint]
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                handler = getattr(view.view_class, method.lower()) if hasattr(view, "view_class") else view
                if not hasattr(handler, "ability"):
                    without.append(f"{method} {rule.rule}")
        assert not without

    def test_every_creating_post_takes_an_idempotency_key(self, app: Hub) -> None:
        document = app.json.loads(openapi_document(app))
        without = [
            path
            for path, operations in document["paths"].items()
            if "201" in operations.get("post", {}).get("responses", {})
            and "Idempotency-Key" not in [p.get("name") for p in operations["post"].get("parameters", [])]
        ]
        assert not without

    def test_every_event_is_documented(self) -> None:
        page = (ROOT / "docs" / "events.md").read_text()
        assert not [name for name in events.CATALOGUE if f"`{name}`" not in page]


class TestRequests:
    def test_lists_are_fields_with_a_limit(self) -> None:
        """Marshmallow's own list checks each element before its length: a body of 1 MiB took 17 seconds."""
        plain = re.compile(r"(fields|ma)\.List\(|from marshmallow.* import .*\bList\b", re.M)
        users = [_name(path) for path in MODULES if plain.search(path.read_text())]
        assert users == []


class TestTasks:
    def test_every_module_of_tasks_is_registered(self) -> None:
        modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in APP.glob("*/tasks.py")}
        assert {module.__name__ for module in TASKS} == modules

    def test_a_task_is_named_after_its_package(self, app: Hub) -> None:
        for module in TASKS:
            package = module.__name__.split(".")[1]
            names = [task.name for task in vars(module).values() if getattr(task, "name", None) in celery.tasks]
            assert names
            assert {name.split(".")[0] for name in names} == {package}

    def test_every_route_and_tick_names_a_task(self, app: Hub) -> None:
        ticks = {tick["task"] for tick in BEAT_SCHEDULE.values()}
        assert {*ROUTES, *ticks, *RENAMED_TASKS.values()} <= set(celery.tasks)

    def test_every_queue_has_a_worker(self) -> None:
        assert {queue for process in PROCESSES for queue in process.queues} == set(Queue)

    def test_one_process_alone_applies_the_official_rules(self) -> None:
        """The library ends a process in which two threads use it, and takes 300 MB."""
        users = [_name(path) for path in MODULES if re.search(r"^\s*(from|import) saxonche", path.read_text(), re.M)]
        assert users == ["app/rules/official/xslt_processor.py"]
        callers = [path for path in MODULES if "official_opinion" in path.read_text()]
        assert {_name(path) for path in callers} == {
            "app/rules/official/second_opinion.py",
            "app/einvoices/official/check_job.py",
            "app/einvoices/official/request_job.py",
        }
        for job in ("check_job", "request_job"):
            assert [_name(path) for path in MODULES if job in path.read_text()] == ["app/einvoices/tasks.py"]
        assert ROUTES["einvoices.check_documents"] is ROUTES["einvoices.check_requested"] is Queue.OFFICIAL
        [checker] = [process for process in PROCESSES if Queue.OFFICIAL in process.queues]
        words = checker.command
        options = {name: words[words.index(name) + 1] for name in ("--queues", "--concurrency", "--pool")}
        assert options == {"--queues": "official", "--concurrency": "1", "--pool": "prefork"}

    def test_ticks_do_not_pile_up(self) -> None:
        for tick in BEAT_SCHEDULE.values():
            assert tick["options"]["expires"] < tick["schedule"]


class TestText:
    def test_modules_are_short(self) -> None:
        lines = {_name(path): len(path.read_text().splitlines()) for path in MODULES}
        assert not {name: count for name, count in lines.items() if count > MAX_MODULE_LINES}

    def test_a_module_says_what_it_contains(self) -> None:
        assert not [_name(path) for path in MODULES if not ast.get_docstring(_tree(path))]

    def test_functions_are_short(self) -> None:
        assert not [
            f"{_name(path)}: {function.name}"
            for path in MODULES
            for function in _functions(path)
            if (function.end_lineno or 0) - function.lineno >= MAX_FUNCTION_LINES
        ]

    def test_test_files_are_short(self) -> None:
        lines = {_name(path): len(path.read_text().splitlines()) for path in TEST_MODULES}
        assert not {name: count for name, count in lines.items() if count > MAX_TEST_LINES}

    def test_tests_count_connections_without_background_writes(self) -> None:
        """The thread that records API calls would be counted too, in one run of many."""
        files = [path for path in TEST_MODULES if path != Path(__file__)]
        assert [_name(path) for path in files if "pool.checkedout" in path.read_text()] == ["tests/conftest.py"]

    def test_nothing_is_left_for_later(self) -> None:
        marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError\(\"later)\b|except Exception:\s*pass|except:\s")
        files = [path for path in (*MODULES, *TEST_MODULES) if path != Path(__file__)]
        assert not [_name(path) for path in files if marks.search(path.read_text())]
