"""An upgrade while both releases run: processes of release 0.1 and of this one work side by side; nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.processes import HubProcess
from tests.drills.hubs import ROOT, DrillHub, drill_hub, free_port, ready, wait_for
from tests.factories import a_sale
from tests.webhooks.receivers import Receiver

pytestmark = pytest.mark.drill

#: The last commit with the task names of release 0.1 (``RENAMED_TASKS`` in ``app/celery_config.py``).
OLD_RELEASE = "931671e473ca0ab56a1dc51319497652ed8fe648"
EACH = 40
SHORT = bool(os.environ.get("SHORT"))
#: Ends the leases of claims, so that the short form does not wait minutes for those of killed workers.
END_LEASES = "UPDATE {} SET due_at = now() WHERE state = 'pending'"
_OLD_PROCESSES = """
import json
from app.local.processes import PROCESSES
print(json.dumps([[p.name, p.command[1:], p.queues] for p in PROCESSES if p.name != "flower"]))
"""


@pytest.fixture(scope="module")
def old_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the old release, from the history of this checkout."""
    folder = tmp_path_factory.mktemp("old-release")
    archive = subprocess.run(["git", "archive", OLD_RELEASE], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip("the history of this checkout does not reach back to the old release")
    packed = folder / "release.tar"
    packed.write_bytes(archive.stdout)
    with tarfile.open(packed) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def hub(old_checkout: Path) -> Iterator[DrillHub]:
    """A hub whose processes are there twice: of this release, and of the old one (``old NAME``)."""
    with drill_hub(webs=1) as running:
        listed = subprocess.run(
            [sys.executable, "-c", _OLD_PROCESSES], cwd=old_checkout, check=True, capture_output=True, text=True
        )
        for name, arguments, queues in json.loads(listed.stdout):
            facts = {}
            if name == "web":
                running.ports.append(free_port())
                facts = {"PORT": str(running.ports[-1])}
            process = HubProcess(name, (sys.executable, *arguments), tuple(queues))
            running.start(process, name=f"old {name}", cwd=old_checkout, **facts)
        wait_for(lambda: ready(running.ports[1]), 180)
        yield running


def issue_einvoice(hub: DrillHub, headers: dict[str, str], web: int) -> None:
    body = {"buyer": {"name": "Buyer", "address": "Bursa"}, "items": [{"name": "x", "quantity": 1, "unit_price": 10}]}
    status, draft = hub.post("/api/v1/einvoices", body, web=web, headers=headers)
    assert status == 201, draft
    status, issued = hub.post(f"/api/v1/einvoices/{draft['id']}/issue", {}, web=web, headers=headers)
    assert status == 200, issued


def stop_old_processes(hub: DrillHub) -> None:
    """As a killed machine: whatever the old workers hold is left behind."""
    for name in [name for name in hub.children if name.startswith("old ")]:
        hub.kill_tree(name)


def test_both_releases_work_side_by_side_and_nothing_is_lost(hub: DrillHub) -> None:
    headers = hub.sign_in("admin")
    hub.flask("modules", "enable", hub.make_seller(), "feature.einvoice_webhooks")
    receiver = Receiver()
    endpoint = {
        "url": receiver.url,
        "events": ["sales.imported", "einvoice.issued"],
        "allowances": [{"cidr": "127.0.0.0/8", "port": receiver.port}],
    }
    assert hub.post("/api/v1/webhooks/endpoints", endpoint, headers=headers)[0] == 201

    for number in range(EACH):
        for web in (0, 1):
            assert hub.post("/api/sales/import/invoice/", a_sale(), web=web)[0] == 201
            if number % 4 == 0:
                issue_einvoice(hub, headers, web)
        if number == EACH // 2:
            stop_old_processes(hub)
            hub.ports[1] = hub.ports[0]
            for table in ("e_invoice_pdfs", "webhook_deliveries") if SHORT else ():
                hub.sql(END_LEASES.format(table))

    issued = 2 * EACH // 4
    # A killed worker's claim ends with its lease: 150 seconds for a PDF.
    wait_for(lambda: hub.sql("SELECT count(*) FROM events WHERE position IS NULL") == [(0,)], 30)
    wait_for(lambda: hub.sql("SELECT count(*) FROM e_invoice_pdfs WHERE state = 'done'") == [(issued,)], 200)
    wait_for(lambda: hub.sql("SELECT count(*) FROM webhook_deliveries WHERE state <> 'delivered'") == [(0,)], 120)
    arrived = [request["X-Webhook-Id"] for request in receiver.requests]
    receiver.close()
    print(
        f"\nrolling upgrade: {2 * EACH} imports and {issued} e-invoices through two releases; "
        f"{len(set(arrived))} webhooks arrived, {len(arrived) - len(set(arrived))} of them twice, 0 lost"
    )
    assert len(set(arrived)) == 2 * EACH + issued
    wait_for(lambda: hub.get("/healthz/worker")[0] == 200, 90)  # it names the killed processes at first
