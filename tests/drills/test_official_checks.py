"""Drill of official checks: the worker is killed while it checks; each document gets its opinion."""

from __future__ import annotations

import json
import os
import random
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.processes import PROCESSES
from tests.drills.figures import Figures, report
from tests.drills.hubs import DrillHub, drill_hub, wait_for
from tests.factories import a_draft

pytestmark = pytest.mark.drill

NUMBER = 20 if os.environ.get("SHORT") else 100
KILLS = 5 if os.environ.get("SHORT") else 15
OPEN = "SELECT count(*) FROM e_invoice_official_checks WHERE state <> 'done'"
#: The leases of killed workers and the delays of attempts last for minutes.
HURRY = (
    "UPDATE e_invoice_official_checks SET due_at = now() WHERE state = 'pending' "
    "AND (claim_id IS NULL OR due_at < now() + interval '140 seconds')"
)


@pytest.fixture(scope="module")
def hub() -> Iterator[DrillHub]:
    with drill_hub(webs=1) as running:
        yield running


def write_documents(hub: DrillHub) -> int:
    """Issue e-invoices and write two documents of each; returns their number."""
    headers = hub.sign_in("integrator")
    hub.make_seller()
    for _ in range(NUMBER):
        _, draft = hub.post("/api/v1/einvoices", a_draft(), headers=headers)
        status, issued = hub.post(f"/api/v1/einvoices/{draft['id']}/issue", None, headers=headers)
        assert status == 200, issued
        for name in ("ubl", "cii"):
            status, content = hub.get_bytes(f"/api/v1/einvoices/{draft['id']}/documents/{name}", headers=headers)
            assert status == 200, content
    return 2 * NUMBER


def send(hub: DrillHub, headers: dict[str, str], content: bytes) -> tuple[dict[str, Any], float]:
    """What the official rules say of a document that is sent, and the seconds that the answer took."""
    url = f"http://127.0.0.1:{hub.ports[0]}/api/v1/einvoices/check?official=true"
    request = urllib.request.Request(url, data=content, headers={**headers, "Content-Type": "application/xml"})
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["official"], time.monotonic() - began


def get(hub: DrillHub, headers: dict[str, str], path: str) -> dict[str, Any]:
    status, content = hub.get_bytes(path, headers=headers)
    assert status == 200, content
    return dict(json.loads(content))


@pytest.mark.takes_turns
def test_a_document_that_is_sent_gets_its_opinion_at_once_or_later(hub: DrillHub) -> None:
    """A stopped worker keeps few calls waiting, for seconds; the web process answers others meanwhile."""
    example = Path("docs/examples/ubl-invoice.xml").read_bytes()
    users = []
    for _ in range(6):
        users.append(hub.sign_in("integrator"))
        hub.make_seller()
    wait_for(lambda: send(hub, users[0], example)[0]["state"] == "done", 60)  # the rules are compiled once
    found, seconds = send(hub, users[1], example)
    assert (found["state"], found["valid"], seconds < 5) == ("done", True, True)
    hub.kill_tree("checker")
    documents = [(headers, example + b" " * number) for headers in users for number in (1, 2, 3)]
    with ThreadPoolExecutor(len(documents)) as pool:
        calls = [pool.submit(send, hub, *each) for each in documents]
        time.sleep(2)
        began = time.monotonic()
        get(hub, users[0], "/api/auth/me/")
        assert time.monotonic() - began < 4  # the callers wait for 5
        answers = [(call.result(), headers) for call, (headers, _) in zip(calls, documents, strict=True)]
    assert {found["state"] for (found, _), _ in answers} == {"pending"}
    assert sum(seconds >= 5 for (_, seconds), _ in answers) <= 8
    assert max(seconds for (_, seconds), _ in answers) < 12
    hub.start(next(process for process in PROCESSES if process.name == "checker"))
    for (found, _), headers in answers:
        path = f"/api/v1/einvoices/check/official/{found['id']}"
        wait_for(lambda path=path, headers=headers: get(hub, headers, path)["state"] == "done", 60)
    assert hub.sql("SELECT count(*) FROM e_invoice_official_requests WHERE content IS NOT NULL") == [(0,)]


def kill_until(hub: DrillHub, done: threading.Event, kills: list[str]) -> None:
    """Kill a process of the worker's pool again and again, and at times the worker with it."""
    while not done.wait(random.uniform(0.5, 3)):
        if hub.children["checker"].poll() is not None:  # a supervisor starts it again
            hub.start(next(process for process in PROCESSES if process.name == "checker"))
        elif psutil.Process(hub.children["checker"].pid).children():
            whole = len(kills) % 4 == 1
            (hub.kill_worker if whole else hub.kill_one_of)("checker")
            kills.append("worker" if whole else "process")
            hub.sql(HURRY)


def test_each_document_gets_its_opinion_though_workers_are_killed(hub: DrillHub) -> None:
    began, done, kills = time.monotonic(), threading.Event(), list[str]()
    killer = threading.Thread(target=kill_until, args=(hub, done, kills))
    killer.start()
    try:
        written = write_documents(hub)
        wait_for(lambda: len(kills) >= KILLS, 120)
    finally:
        done.set()
        killer.join()
    if hub.children["checker"].poll() is not None:
        hub.start(next(process for process in PROCESSES if process.name == "checker"))

    def all_checked() -> bool:
        hub.sql(HURRY)
        return hub.sql(OPEN) == [(0,)]

    wait_for(all_checked, 240)
    [(checked, retried)] = hub.sql(
        "SELECT count(*), count(*) FILTER (WHERE attempts > 1) FROM e_invoice_official_checks "
        "WHERE opinion ->> 'checked_at' IS NOT NULL"
    )
    fault = f"kill -9 of the worker of official checks, {len(kills)} times"
    print(f"\n{written} documents, {retried} checked again after a kill")
    report(Figures(fault, "opinions", written, written - checked, 0, 0, time.monotonic() - began))
    assert checked == written
