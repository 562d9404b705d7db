"""Two hosts with folders of their own work on one installation; one of them is killed, and the other one goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.local.children.child_processes import Child
from app.local.children.spawner import Spawner
from app.processes import PROCESSES
from tests.drills.hubs import HEADERS, DrillHub, drill_hub, free_port, ready, wait_for
from tests.drills.loads import Imports
from tests.drills.papers import issue, report_whole, sign_in_a_seller, sign_in_an_admin
from tests.drills.watching import Watching, every_event_arrived, subscribe
from tests.factories import a_sale
from tests.object_stores import KEYS, object_server

pytestmark = pytest.mark.drill

#: Invoices that are imported at least, half of them before the kill; e-invoices that are issued on each host.
INVOICES, PAPERS = (200, 4) if os.environ.get("SHORT") else (2000, 100)


@pytest.fixture(scope="module")
def hub() -> Iterator[DrillHub]:
    """The first host; the files are in a bucket, because the hosts share no folder."""
    with object_server() as store:
        store.empty()
        settings = {"STORAGE_ACCESS_KEY": KEYS["access_key"], "STORAGE_SECRET_KEY": KEYS["secret_key"]}
        with drill_hub(webs=1, STORAGE_URL=store.url(), WEBHOOK_RETRIES="1,2,3,5,8", **settings) as running:
            wait_for(lambda: running.get("/healthz/worker")[0] == 200, 60)
            yield running


@contextmanager
def second_host(hub: DrillHub, folder: Path) -> Iterator[None]:
    """Start all processes again, with another folder and other names; the web process is the second one of ``hub``."""
    port = free_port()
    own = {"DATA_DIR": str(folder), "STORAGE_DIR": str(folder), "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
    spawner, children = Spawner({**hub.environment, **own, "PORT": str(port)}), list[Child]()
    with ExitStack() as stack, (folder / "host.log").open("ab") as log:
        stack.callback(spawner.close)
        for process in PROCESSES:
            if process.name != "flower":
                command = tuple(part.replace("@%h", "@second") for part in process.command)
                children.append(spawner.start(replace(process, command=command), log.fileno()))
                stack.callback(children[-1].wait)
                stack.callback(children[-1].terminate)
        wait_for(lambda: ready(port), 180)
        hub.ports.append(port)
        yield


def test_one_host_goes_on_when_the_other_is_killed(hub: DrillHub, tmp_path: Path) -> None:
    seller, admin = sign_in_a_seller(hub), sign_in_an_admin(hub)
    began, watching = time.monotonic(), Watching(0.0)
    with second_host(hub, tmp_path):
        listener = hub.listen(web=1)
        wait_for(lambda: listener.comments, 10)
        number = f"HOSTS-{time.monotonic_ns()}"
        assert hub.post("/api/sales/import/invoice/", a_sale(invoice_no=number), headers=HEADERS)[0] == 201
        assert number in str(listener.frames.get(timeout=10)), "an import of one host is no event on the other"
        listener.close()

        endpoint = subscribe(hub, admin, watching.receiver.port)
        with Imports(hub) as imports:
            papers = [issue(hub, seller) for _ in range(PAPERS)]
            wait_for(lambda: len(imports.stored) >= INVOICES / 2, 300)
            for name in hub.children:
                hub.kill_tree(name)
            hub.ports.reverse()  # the first one is asked for everything else
            papers += [issue(hub, seller) for _ in range(PAPERS)]
            wait_for(lambda: len(imports.stored) >= INVOICES, 300)
        hub.ports.pop()
        print(f"\n{len(imports.stored)} imports; refused or cut off: {dict(imports.failures)}")
        assert imports.failures, "no request was cut off"
        fault = "one of two hosts killed"
        imports.report(fault)
        report_whole(hub, seller, papers, fault, began)
        hub.sql("UPDATE webhook_deliveries SET due_at = now() WHERE state = 'pending'")  # leases last for minutes
        every_event_arrived(hub, endpoint, watching, fault, began)
        assert not [*Path(hub.environment["DATA_DIR"]).rglob("*.pdf"), *tmp_path.rglob("*.pdf")]
