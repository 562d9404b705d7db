"""Clients that generators make from ``/openapi.json`` work against a running hub, in Python and TypeScript."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills.hubs import KEY, DrillHub
from tests.nodejs import MODULES, node, run_npm_program

pytestmark = pytest.mark.drill

HERE = Path(__file__).parent / "generated"


@pytest.fixture(scope="module")
def document(hub: DrillHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document of the running hub as a file, as a user downloads it."""
    status, text = hub.get("/openapi.json")
    assert status == 200
    path = tmp_path_factory.mktemp("generated") / "openapi.json"
    path.write_text(text)
    return path


def arguments(hub: DrillHub) -> list[str]:
    """The address of the hub, an API key, and the token of an admin who may issue e-invoices."""
    headers = hub.sign_in("admin")
    hub.make_seller()
    return [f"http://127.0.0.1:{hub.ports[0]}", KEY, headers["Authorization"].removeprefix("Bearer ")]


@pytest.mark.takes_turns("generated clients")
def test_python(hub: DrillHub, document: Path) -> None:
    target = document.parent / "python" / "hub"
    generator = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
    options = [
        "--path",
        str(document),
        "--output-path",
        str(target),
        "--config",
        str(HERE / "openapi-python-client.yaml"),
    ]
    # It formats its result with the programs of PATH.
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    made = subprocess.run(
        [*generator, *options], capture_output=True, text=True, env={**os.environ, **path}, check=False, timeout=120
    )
    assert made.returncode == 0, made.stdout + made.stderr
    done = subprocess.run(
        [sys.executable, "-W", "error", HERE / "client.py", *arguments(hub)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(target.parent), os.environ.get("PYTHONPATH", "")])},
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.takes_turns("generated clients")
def test_typescript(hub: DrillHub, document: Path) -> None:
    target = document.parent / "typescript"
    target.mkdir()
    for name in ("client.ts", "globals.d.ts", "tsconfig.json"):
        shutil.copyfile(HERE / name, target / name)
    (target / "node_modules").symlink_to(MODULES.resolve())
    for program, *options in (
        ["openapi-typescript", str(document), "-o", "schema.d.ts"],
        ["openapi-ts", "-i", str(document), "-o", "hey", "--no-log-file"],
        ["tsc", "--strict", "-p", "."],
    ):
        made = run_npm_program(program, *options, cwd=target)
        assert made.returncode == 0, made.stdout + made.stderr
    done = subprocess.run(
        [node(), target / "out" / "client.js", *arguments(hub)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
