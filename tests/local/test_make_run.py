"""The whole hub for real: what ``make run`` starts does the main job, and does it again faster."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.hubs import READY, Hub, Start


@pytest.fixture
def start(ground: Path) -> Iterator[Start]:
    starter = Start([sys.executable, "-m", "app.local"], ground / "var")
    yield starter
    starter.end_all()


def import_by_the_printed_line(hub: Hub) -> dict[str, object]:
    line = next(line for line in hub.screen.splitlines() if line.strip().startswith("curl -X POST"))
    command = [*shlex.split(line), "--silent", "--show-error", "--noproxy", "*"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


@pytest.mark.drill
def test_the_printed_line_imports_and_a_second_start_knows_it(start: Start) -> None:
    first = start(WEB_CONCURRENCY="1")
    first.wait_for("Ctrl-C stops everything.")
    assert import_by_the_printed_line(first)["message"] == "Invoice imported successfully"
    first.process.terminate()
    assert first.end() == 0
    first.wait_until_nothing_runs()

    began = time.monotonic()
    second = start(WEB_CONCURRENCY="1")
    second.wait_for(READY)
    assert time.monotonic() - began < 20  # seven seconds on two idle cores, of ten that are allowed
    second.wait_for("Ctrl-C stops everything.")
    assert import_by_the_printed_line(second)["message"] == "Invoice with this invoice_no already exists."
    second.process.terminate()
    assert second.end() == 0
    for hub in (first, second):
        assert "Traceback" not in hub.screen
        assert "Warning" not in hub.screen
