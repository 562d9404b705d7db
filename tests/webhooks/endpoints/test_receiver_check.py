"""Receiver checks: the example receivers get grade A; receivers with faults get a lower grade and advice."""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import receiver_check
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.endpoints import ReceiverCheck
from tests.webhooks.fixtures import FakeClock, Subscribed
from tests.webhooks.receivers import Received

Make = Callable[..., Any]
EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
NODE = shutil.which("node")
PORT = "{port}"


def php_with_sqlite() -> str | None:
    """The path of PHP, if it can open an SQLite database, as the example does."""
    found = shutil.which("php")
    if found is None:
        return None
    modules = subprocess.run([found, "-m"], check=True, capture_output=True, text=True).stdout
    return found if "pdo_sqlite" in modules.split() else None


PHP = php_with_sqlite()
RECEIVERS = [
    pytest.param([sys.executable, str(EXAMPLES / "webhook_receiver.py")], id="python"),
    pytest.param(
        [NODE or "node", str(EXAMPLES / "webhook_receiver.mjs")],
        id="node",
        marks=pytest.mark.skipif(NODE is None, reason="Node is not installed"),
    ),
    pytest.param(
        [PHP or "php", "-S", f"127.0.0.1:{PORT}", str(EXAMPLES / "webhook_receiver.php")],
        id="php",
        marks=pytest.mark.skipif(PHP is None, reason="PHP with pdo_sqlite is not installed"),
    ),
]


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_check, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[[Subscribed], ReceiverCheck]:
    """Check the receiver of an endpoint; return the check."""

    def run(endpoint: Subscribed) -> ReceiverCheck:
        with unit_of_work():
            requested = receiver_check.request_check(endpoint.id, None)
        assert receiver_check.run_due_checks() == 1
        with unit_of_work():
            return receiver_check.find(endpoint.id, requested.id, None)

    return run


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Callable[[list[str], str, int], Path]]:
    """Run an example receiver; return the file that its output is written to."""
    running = []

    def start(command: list[str], secret: str, port: int) -> Path:
        printed = tmp_path / "printed"
        environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "WEBHOOK_SECRET": secret,
            "WEBHOOK_STORE": str(tmp_path / "seen"),
        }
        with printed.open("w") as out:
            arguments = [argument.replace(PORT, str(port)) for argument in command]
            running.append(subprocess.Popen(arguments, env=environment, stdout=out, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        return printed

    yield start
    for process in running:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("command", RECEIVERS)
def test_the_example_receivers_get_grade_a_and_handle_each_event_once(
    *, command: list[str], example: Make, subscribe: Make, create_einvoices: Make, send: Make, check: Make
) -> None:
    port = free_port()
    endpoint = subscribe(f"http://127.0.0.1:{port}/hooks")
    printed = example(command, endpoint.secret, port)
    report = check(endpoint)
    assert report.grade == "A", report.report
    assert abs(report.report["clock_drift_seconds"] or 0) < 3
    create_einvoices()
    assert send() == 1
    lines = [line for line in printed.read_text().splitlines() if not line.startswith(" *")]  # lines of Flask itself
    # In the check, the valid and the slow request are new events; the repeated request is not.
    assert [line.split()[0] for line in lines] == ["webhook.test", "webhook.test", "einvoice.created"]
    assert len(set(lines)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("command", RECEIVERS)
def test_the_example_receivers_refuse_unsigned_and_stale_requests(command: list[str], example: Make) -> None:
    port = free_port()
    printed = example(command, "whsec_dGVzdA==,whsec_b2xk", port)
    url, body = f"http://127.0.0.1:{port}/hooks", b'{"event":"webhook.test","id":"1"}'

    def status(timestamp: str, key: bytes, header: str = "X-Webhook-Signature") -> int:
        signature = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"X-Webhook-Timestamp": timestamp, header: signature, "Content-Type": "application/json"}
        return requests.post(url, data=body, headers=headers, timeout=10).status_code

    now = int(time.time())
    assert requests.post(url, data=body, timeout=10).status_code == 401
    assert status("soon", b"whsec_dGVzdA==") == 401
    assert status(str(now), b"another") == 401
    assert status(str(now - 301), b"whsec_dGVzdA==") == 401
    assert status(str(now + 310), b"whsec_dGVzdA==") == 401
    assert "webhook.test" not in printed.read_text()
    assert status(str(now - 290), b"whsec_dGVzdA==") == 204
    assert status(str(now), b"whsec_b2xk", "X-Webhook-Signature-Previous") == 204


def receiver_with_faults(
    subscribed: list[Subscribed], **faults: Any
) -> Callable[[Received], tuple[int, dict[str, str], bytes]]:
    """Behaviour of a receiver that verifies everything, except for the given faults."""
    seen: set[str] = set()

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        signed = request["X-Webhook-Timestamp"].encode() + b"." + request.body
        right = hmac.new(subscribed[0].secret.encode(), signed, hashlib.sha256).hexdigest()
        if not faults.get("accepts_any_signature") and right != request["X-Webhook-Signature"]:
            return 401, {}, b""
        if not faults.get("accepts_old_timestamps") and abs(time.time() - int(request["X-Webhook-Timestamp"])) > 300:
            return 401, {}, b""
        if request["X-Webhook-Id"] in seen and faults.get("refuses_repeats"):
            return 409, {}, b""
        seen.add(request["X-Webhook-Id"])
        moment = datetime.now(UTC) + timedelta(seconds=faults.get("drift", 0))
        return faults.get("status", 200), {"Date": format_datetime(moment, usegmt=True)}, b""

    return answer


@pytest.mark.parametrize(
    ("faults", "grade", "failed"),
    [
        ({}, "A", []),
        ({"accepts_any_signature": True}, "D", ["wrong_signature"]),
        ({"accepts_old_timestamps": True}, "C", ["stale_timestamp"]),
        ({"refuses_repeats": True}, "C", ["duplicate_id"]),
        ({"status": 500}, "F", ["right", "duplicate_id", "slow_request"]),
        ({"drift": 120}, "B", []),
        ({"drift": -400}, "C", []),
    ],
    ids=str,
)
def test_each_fault_lowers_the_grade_and_fails_its_request(
    *, start_receiver: Make, subscribe: Make, check: Make, faults: dict[str, Any], grade: str, failed: list[str]
) -> None:
    subscribed: list[Subscribed] = []
    receiver = start_receiver(receiver_with_faults(subscribed, **faults))
    subscribed.append(subscribe(receiver))
    report = check(subscribed[0])
    assert report.grade == grade
    assert [finding["name"] for finding in report.report["findings"] if not finding["passed"]] == failed
    assert all(finding["advice"] for finding in report.report["findings"] if not finding["passed"])


def test_an_unreachable_receiver_gets_grade_f_and_the_reason(
    start_receiver: Make, subscribe: Make, check: Make
) -> None:
    receiver = start_receiver()
    endpoint = subscribe(receiver)
    receiver.close()
    report = check(endpoint)
    assert report.grade == "F"
    assert {finding["error"] for finding in report.report["findings"]} == {"The connection was refused."}


def test_a_check_of_a_lost_worker_fails_and_does_not_block_others(
    start_receiver: Make, subscribe: Make, fake_clock: FakeClock
) -> None:
    meeting = threading.Barrier(3, timeout=3)

    def meet(_request: Received) -> tuple[int, dict[str, str], bytes]:
        meeting.wait()
        return 204, {}, b""

    endpoint, *others = (subscribe(start_receiver(meet)) for _ in range(3))
    with unit_of_work():
        requested = receiver_check.request_check(endpoint.id, None)
    assert receiver_check._claim()
    with unit_of_work():
        for other in others:
            receiver_check.request_check(other.id, None)
    assert receiver_check.run_due_checks() == 0, "one task at a time"
    fake_clock.advance(seconds=61)
    assert receiver_check.run_due_checks() == 0
    with unit_of_work():
        lost = db.session.get(ReceiverCheck, requested.id, populate_existing=True)
    assert (lost.state, lost.report) == ("failed", {"error": receiver_check.LOST})
    with unit_of_work():
        assert receiver_check.request_check(endpoint.id, None).state == "pending"
    assert receiver_check.run_due_checks() == 3
    with unit_of_work():
        checks = [receiver_check.latest_check(checked.id) for checked in (endpoint, *others)]
    assert [made.grade for made in checks if made] == ["D"] * 3, "they are checked at the same time"


def test_a_check_of_a_deleted_endpoint_fails_and_does_not_block_others(
    start_receiver: Make, subscribe: Make, check: Make
) -> None:
    endpoint = subscribe(start_receiver())
    with unit_of_work():
        requested = receiver_check.request_check(endpoint.id, None)
        endpoints.remove(endpoint.id, None, actor="test")
    assert receiver_check.run_due_checks() == 0
    with unit_of_work():
        assert db.session.get(ReceiverCheck, requested.id, populate_existing=True).report == {
            "error": endpoints.DELETED
        }
    assert check(subscribe(start_receiver())).state == "done"
