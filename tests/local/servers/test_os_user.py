"""System user of PostgreSQL: created once, even when several hubs start on a new machine at the same time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.drills.hubs import ROOT

NAME = "invoice-hub-race"
PROGRAM = f"""
import sys
from app.local.servers import os_user
os_user.OWN_USER = {NAME!r}
print("ready", flush=True)
sys.stdin.readline()
os_user._create_own_user()
print(os_user._find_user({NAME!r}))
"""


@pytest.fixture
def _remove_user() -> Iterator[None]:
    yield
    subprocess.run([shutil.which("userdel", path="/usr/sbin:/sbin") or "userdel", NAME], check=True)


@pytest.mark.drill
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can create users")
@pytest.mark.usefixtures("_remove_user")
def test_parallel_launchers_use_the_same_user() -> None:
    launchers = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(5)
    ]
    for launcher in launchers:
        assert launcher.stdout
        assert launcher.stdout.readline() == "ready\n"
    for launcher in launchers:
        assert launcher.stdin
        launcher.stdin.write("now\n")
        launcher.stdin.flush()
    answers = [launcher.communicate()[0] for launcher in launchers]
    assert len(set(answers)) == 1
    assert NAME in answers[0]
