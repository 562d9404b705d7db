"""Drill of the object store: it fails in turns while ERPs import and e-invoices are issued; nothing is lost."""

from __future__ import annotations

import hashlib
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from http.client import IncompleteRead

import pytest

from tests.drills.hubs import DrillHub, drill_hub, wait_for
from tests.drills.loads import Imports
from tests.drills.papers import hurry, issue, report_whole, sign_in_a_seller, sign_in_an_admin
from tests.drills.watching import Watching, every_event_arrived, subscribe
from tests.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.object_stores import KEYS, ObjectServer, object_server

pytestmark = pytest.mark.drill

#: Invoices that are imported at least, and e-invoices that are issued, while the store fails in turns.
INVOICES, PAPERS = (200, 24) if os.environ.get("SHORT") else (2000, 200)
#: Seconds of each turn, and what happens to all requests in it.
TURN = 3.0
TURNS = (
    Fault.ERROR_503,
    None,
    Fault.LOST_ANSWER,
    None,
    Fault.SLOW,
    None,
    Fault.CUT_ANSWER,
    None,
    Fault.ERROR_500,
    None,
)
_NAMED = re.compile(r"-([0-9a-f]{16})\.pdf\Z")


@pytest.fixture(scope="module")
def seller(hub: DrillHub) -> dict[str, str]:
    return sign_in_a_seller(hub)


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectServer]:
    with object_server() as server:
        server.empty()
        yield server


@pytest.fixture(scope="module")
def proxy(store: ObjectServer) -> Iterator[FaultProxy]:
    with fault_proxy(store.address) as running:
        running.slow_seconds = 6.0  # longer than the hub waits for bytes
        yield running


@pytest.fixture(scope="module")
def hub(store: ObjectServer, proxy: FaultProxy) -> Iterator[DrillHub]:
    """A hub whose files are in the bucket behind the proxy."""
    settings = {
        "STORAGE_URL": store.url(address=proxy.address),
        "STORAGE_ACCESS_KEY": KEYS["access_key"],
        "STORAGE_SECRET_KEY": KEYS["secret_key"],
    }
    with drill_hub(webs=1, **settings) as running:
        wait_for(lambda: running.get("/healthz/worker")[0] == 200, 60)
        yield running


def outcome(hub: DrillHub, seller: dict[str, str], einvoice: int) -> int | str:
    """The status of a request for a PDF; ``cut`` if the answer ended early, which its length tells the reader."""
    try:
        status, content = hub.get_bytes(f"/api/v1/einvoices/{einvoice}/pdf", headers=seller)
    except IncompleteRead:
        return "cut"
    assert status != 200 or content.rstrip().endswith(b"%%EOF")
    return status


def damaged(store: ObjectServer) -> list[str]:
    """Keys of the objects whose content is not what their name says."""
    wrong = []
    for key, content in store.objects().items():
        stated = _NAMED.search(key)
        if stated is None or not hashlib.sha256(content).hexdigest().startswith(stated[1]):
            wrong.append(key)
    return wrong


def test_a_store_that_fails_in_turns_loses_nothing(
    hub: DrillHub, seller: dict[str, str], proxy: FaultProxy, store: ObjectServer
) -> None:
    began, watching, fault = time.monotonic(), Watching(0.0), "object store: errors, slow, lost and cut answers"
    endpoint = subscribe(hub, sign_in_an_admin(hub), watching.receiver.port)
    proxy.choose = lambda _method, _path: TURNS[int((time.monotonic() - began) / TURN) % len(TURNS)]
    read: Counter[int | str] = Counter()
    ids: list[int] = []

    def each_fault_was_met() -> bool:
        hurry(hub)
        read[outcome(hub, seller, random.choice(ids))] += 1
        return {fault for _, _, fault in proxy.seen} >= set(TURNS)

    with Imports(hub, pause=0.3) as imports:
        for number in range(PAPERS):
            ids.append(issue(hub, seller))
            read[outcome(hub, seller, ids[number // 2])] += 1
        wait_for(each_fault_was_met, 180)
        wait_for(lambda: len(imports.stored) >= INVOICES, 300)
    faults = Counter(fault for _, _, fault in proxy.seen)
    proxy.choose = lambda _method, _path: None
    assert not imports.failures, f"imports depend on the store: {imports.failures}"
    print(f"\nrequests to the store by fault: {dict(faults)}; reads by status: {dict(read)}")
    assert read.keys() <= {200, 404, 503, "cut"}

    imports.report(fault)
    every_event_arrived(hub, endpoint, watching, fault, began)
    report_whole(hub, seller, ids, fault, began)
    assert damaged(store) == [], "a file is half or damaged"
    named = {f"files/{path}" for (path,) in hub.sql("SELECT path FROM e_invoice_pdfs WHERE path IS NOT NULL")}
    wait_for(lambda: set(store.objects()) == named, 120)
