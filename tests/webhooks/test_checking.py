"""The check of a receiver: the examples of the documents pass it, careless receivers are told what to mend."""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
import threading
import time as real_time
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
from tests.webhooks.fixtures import Clock, Subscribed
from tests.webhooks.receivers import Received

Make = Callable[..., Any]
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
NODE, PHP = shutil.which("node"), shutil.which("php")
PORT = "{port}"
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
        marks=pytest.mark.skipif(PHP is None, reason="PHP is not installed"),
    ),
]


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_check, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[[Subscribed], ReceiverCheck]:
    """Have an endpoint's receiver checked; the report."""

    def run(endpoint: Subscribed) -> ReceiverCheck:
        with unit_of_work():
            asked = receiver_check.request_check(endpoint.id, None)
        assert receiver_check.run_due_checks() == 1
        with unit_of_work():
            return receiver_check.find(endpoint.id, asked.id, None)

    return run


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Callable[[list[str], str], tuple[str, Path]]]:
    """Run one of the documents' receivers; its address, and the file that it prints to."""
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
            words = [word.replace(PORT, str(port)) for word in command]
            running.append(subprocess.Popen(words, env=environment, stdout=out, stderr=subprocess.DEVNULL))
        deadline = real_time.monotonic() + 30
        while real_time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            real_time.sleep(0.05)
        return printed

    yield start
    for process in running:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("command", RECEIVERS)
def test_the_examples_of_the_documents_get_an_a_and_handle_each_event_once(
    *, command: list[str], example: Make, subscribe: Make, happen: Make, send: Make, check: Make
) -> None:
    port = free_port()
    endpoint = subscribe(f"http://127.0.0.1:{port}/hooks")
    printed = example(command, endpoint.secret, port)
    report = check(endpoint)
    assert report.grade == "A", report.report
    assert abs(report.report["clock_drift_seconds"] or 0) < 3
    happen()
    assert send() == 1
    lines = [line for line in printed.read_text().splitlines() if not line.startswith(" *")]  # Flask's own
    # Of the check the right and the slow request are new events, the repeated one is not.
    assert [line.split()[0] for line in lines] == ["webhook.test", "webhook.test", "einvoice.created"]
    assert len(set(lines)) == 3


@pytest.mark.parametrize("command", RECEIVERS)
def test_the_examples_refuse_what_is_not_signed(command: list[str], example: Make) -> None:
    port = free_port()
    printed = example(command, "whsec_dGVzdA==,whsec_b2xk", port)
    url, body = f"http://127.0.0.1:{port}/hooks", b'{"event":"webhook.test","id":"1"}'

    def status(timestamp: str, key: bytes, header: str = "X-Webhook-Signature") -> int:
        signature = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"X-Webhook-Timestamp": timestamp, header: signature, "Content-Type": "application/json"}
        return requests.post(url, data=body, headers=headers, timeout=10).status_code

    now = int(real_time.time())
    assert requests.post(url, data=body, timeout=10).status_code == 401
    assert status("soon", b"whsec_dGVzdA==") == 401
    assert status(str(now), b"another") == 401
    assert status(str(now - 301), b"whsec_dGVzdA==") == 401
    assert status(str(now + 310), b"whsec_dGVzdA==") == 401
    assert "webhook.test" not in printed.read_text()
    assert status(str(now - 290), b"whsec_dGVzdA==") == 204
    assert status(str(now), b"whsec_b2xk", "X-Webhook-Signature-Previous") == 204


def careful(subscribed: list[Subscribed], **lapses: Any) -> Callable[[Received], tuple[int, dict[str, str], bytes]]:
    """A receiver that does everything right but for its lapses."""
    seen: set[str] = set()

    def answer(request: Received) -> tuple[int, dict[str, str], bytes]:
        signed = request["X-Webhook-Timestamp"].encode() + b"." + request.body
        right = hmac.new(subscribed[0].secret.encode(), signed, hashlib.sha256).hexdigest()
        if not lapses.get("trusting") and right != request["X-Webhook-Signature"]:
            return 401, {}, b""
        if not lapses.get("patient") and abs(real_time.time() - int(request["X-Webhook-Timestamp"])) > 300:
            return 401, {}, b""
        if request["X-Webhook-Id"] in seen and lapses.get("refuses_repeats"):
            return 409, {}, b""
        seen.add(request["X-Webhook-Id"])
        moment = datetime.now(UTC) + timedelta(seconds=lapses.get("drift", 0))
        return lapses.get("status", 200), {"Date": format_datetime(moment, usegmt=True)}, b""

    return answer


@pytest.mark.parametrize(
    ("lapses", "grade", "failed"),
    [
        ({}, "A", []),
        ({"trusting": True}, "D", ["wrong_signature"]),
        ({"patient": True}, "C", ["stale_timestamp"]),
        ({"refuses_repeats": True}, "C", ["duplicate_id"]),
        ({"status": 500}, "F", ["right", "duplicate_id", "slow_request"]),
        ({"drift": 120}, "B", []),
        ({"drift": -400}, "C", []),
    ],
    ids=str,
)
def test_grades_say_what_is_wrong(
    *, receiver_with: Make, subscribe: Make, check: Make, lapses: dict[str, Any], grade: str, failed: list[str]
) -> None:
    subscribed: list[Subscribed] = []
    receiver = receiver_with(careful(subscribed, **lapses))
    receiver.answers = careful(subscribed, **lapses)
    subscribed.append(subscribe(receiver))
    report = check(subscribed[0])
    assert report.grade == grade
    assert [finding["name"] for finding in report.report["findings"] if not finding["passed"]] == failed
    assert all(finding["advice"] for finding in report.report["findings"] if not finding["passed"])


def test_a_dead_receiver_gets_an_f_and_the_reason(receiver_with: Make, subscribe: Make, check: Make) -> None:
    receiver = receiver_with()
    endpoint = subscribe(receiver)
    receiver.close()
    report = check(endpoint)
    assert report.grade == "F"
    assert {finding["error"] for finding in report.report["findings"]} == {"The connection was refused."}


def test_a_check_whose_worker_was_lost_is_put_down_as_failed(receiver_with: Make, subscribe: Make, time: Clock) -> None:
    meeting = threading.Barrier(3, timeout=3)

    def meet(_request: Received) -> tuple[int, dict[str, str], bytes]:
        meeting.wait()
        return 204, {}, b""

    endpoint, *others = (subscribe(receiver_with(meet)) for _ in range(3))
    with unit_of_work():
        asked = receiver_check.request_check(endpoint.id, None)
    assert receiver_check._claim()
    with unit_of_work():
        for other in others:
            receiver_check.request_check(other.id, None)
    assert receiver_check.run_due_checks() == 0, "one task at a time"
    time.pass_(seconds=61)
    assert receiver_check.run_due_checks() == 0
    with unit_of_work():
        lost = db.session.get(ReceiverCheck, asked.id, populate_existing=True)
    assert (lost.state, lost.report) == ("failed", {"error": receiver_check.LOST})
    with unit_of_work():
        assert receiver_check.request_check(endpoint.id, None).state == "pending"
    assert receiver_check.run_due_checks() == 3
    with unit_of_work():
        checks = [receiver_check.latest_check(checked.id) for checked in (endpoint, *others)]
    assert [made.grade for made in checks if made] == ["D"] * 3, "they are checked at the same time"


def test_a_check_of_an_endpoint_that_was_deleted_holds_up_no_other(
    receiver_with: Make, subscribe: Make, check: Make
) -> None:
    endpoint = subscribe(receiver_with())
    with unit_of_work():
        asked = receiver_check.request_check(endpoint.id, None)
        endpoints.remove(endpoint.id, None, actor="test")
    assert receiver_check.run_due_checks() == 0
    with unit_of_work():
        assert db.session.get(ReceiverCheck, asked.id, populate_existing=True).report == {"error": endpoints.DELETED}
    assert check(subscribe(receiver_with())).state == "done"
