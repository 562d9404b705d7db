"""The command of the simulator: it starts and stops, and refuses production, other addresses and a port in use."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from app.processes import ROOT


def simulator(*arguments: str, environment: str = "local") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.provider_simulator", *arguments],
        cwd=ROOT,
        env={**os.environ, "ENVIRONMENT": environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_it_serves_its_page_until_a_signal(tmp_path: Path) -> None:
    with simulator("--port", "0", "--file", str(tmp_path / "list.sqlite")) as process:
        try:
            assert process.stdout is not None
            [address] = re.findall(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert "Provider simulator" in answer.read().decode()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()


def refusal(*arguments: str, environment: str = "local") -> str:
    with simulator(*arguments, environment=environment) as process:
        try:
            output, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode != 0
    assert "Traceback" not in output
    return output


@pytest.mark.slow
def test_it_does_not_start_in_production() -> None:
    assert "ENVIRONMENT is production" in refusal("--port", "0", environment="production")


def test_it_listens_on_this_machine_only() -> None:
    assert "'0.0.0.0' is not one of" in refusal("--host", "0.0.0.0")


@pytest.mark.slow
def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = str(used.getsockname()[1])
        assert f"Port {port} cannot be used: Address already in use" in refusal("--port", port)
