"""Child processes: results, errors, log lines, and the limits at which a child is stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import CapturedCall, CapturingLogger

from app.kernel.errors import Busy, Invalid
from app.kernel.messages import Message
from app.kernel.system.child_process import ChildLimits, ChildProcesses, OverLimit

MIB = 1024 * 1024
LIMITS = ChildLimits(seconds=20, cpu_seconds=10, memory=512 * MIB, answer=MIB)
children = ChildProcesses(LIMITS, running=2, waiting=0.2)


def environment() -> tuple[int, dict[str, str]]:
    print("This line is no part of the answer.")
    return os.getpid(), dict(os.environ)


def refuse(path: str) -> None:
    structlog.get_logger().warning("odd_file", path=path)
    raise Invalid({"row": {5: [Message("Use %(n)s.", n=7)]}}, payload={"row": path})


def wait() -> None:
    time.sleep(60)


def work() -> None:
    while True:
        pass


def occupy(begun: Path, end: Path) -> None:
    begun.touch()
    wait_for(end)


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def fill() -> int:
    return len([bytearray(MIB) for _ in range(1000)])


def long_answer() -> bytes:
    return bytes(2 * MIB)


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def give_up() -> None:
    os._exit(7)


def limited(**changes: int) -> ChildProcesses:
    values = {name: getattr(LIMITS, name) for name in LIMITS.__slots__}
    return ChildProcesses(ChildLimits(**{**values, **changes}), running=1, waiting=0)


def test_a_child_has_its_own_process_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "never to be seen")
    pid, seen = children.call(environment)
    assert pid != os.getpid()
    assert "SECRET_KEY" not in seen
    assert "DATABASE_URL" not in seen


@pytest.mark.slow
def test_an_error_and_the_log_lines_arrive_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("app.kernel.system.child_process.log", log)
    with pytest.raises(Invalid) as caught:
        children.call(refuse, "rolls.xlsx")
    [text] = caught.value.errors["row"][5]
    assert (text, text.id, text.values) == ("Use 7.", "Use %(n)s.", {"n": 7})
    assert caught.value.payload == {"row": "rolls.xlsx"}
    assert log.calls == [CapturedCall("warning", (), {"event": "odd_file", "path": "rolls.xlsx"})]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "changes"),
    [
        (work, {"cpu_seconds": 1}),
        (fill, {}),
        (long_answer, {}),
        (die, {}),
    ],
    ids=["cpu seconds", "memory", "answer", "death"],
)
def test_a_child_is_stopped_at_each_limit(function: Any, changes: dict[str, int]) -> None:
    started = time.monotonic()
    with pytest.raises(OverLimit):
        limited(**changes).call(function)
    assert function is not work or time.monotonic() - started < 15


@pytest.mark.slow
def test_a_child_that_gets_no_processor_is_no_fault_of_its_document() -> None:
    started = time.monotonic()
    with pytest.raises(Busy) as caught:
        limited(seconds=2).call(wait)
    assert caught.value.headers == {"Retry-After": "5"}
    assert time.monotonic() - started < 15


@pytest.mark.slow
def test_a_child_that_ends_for_another_reason_is_a_fault_of_the_hub() -> None:
    with pytest.raises(RuntimeError, match="ended with 7"):
        children.call(give_up)


@pytest.mark.slow
def test_more_children_than_places_are_refused(tmp_path: Path) -> None:
    one = limited()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(one.call, occupy, tmp_path / "begun", tmp_path / "end")
        wait_for(tmp_path / "begun")
        with pytest.raises(Busy) as caught:
            one.call(environment)
        (tmp_path / "end").touch()
        running.result()
    assert caught.value.headers == {"Retry-After": "5"}
    assert one.call(environment)[0] != os.getpid()


@pytest.mark.slow
def test_the_children_of_one_owner_leave_a_place_for_others(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(children.call, occupy, tmp_path / "begun", tmp_path / "end", owner=1)
        wait_for(tmp_path / "begun")
        with pytest.raises(Busy):
            children.call(environment, owner=1)
        assert children.call(environment, owner=2)[0] != os.getpid()
        (tmp_path / "end").touch()
        running.result()
    assert children.call(environment, owner=1)[0] != os.getpid()


@pytest.mark.slow
def test_the_reader_of_tables_loads_no_framework() -> None:
    loaded = children.call(modules_of_the_reader)
    assert "app.tables.reader" in loaded
    assert loaded.isdisjoint({"flask", "sqlalchemy", "marshmallow", "celery"})


def modules_of_the_reader() -> set[str]:
    import app.grn.receipts.roll_columns  # noqa: PLC0415 - in the child only
    import app.tables.uploads  # noqa: F401, PLC0415

    return set(sys.modules)
