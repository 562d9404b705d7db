"""The primary PostgreSQL is killed under load and its standby is promoted; nothing is lost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import make_url

from app.einvoices.samples import DRAFT
from tests.drills.hubs import HEADERS, ROOT, DrillHub, drill_hub, wait_for
from tests.drills.loads import Imports
from tests.drills.papers import issue, printed, sign_in_a_seller, sign_in_an_admin
from tests.drills.watching import Watching, every_event_arrived, subscribe
from tests.factories import a_sale

pytestmark = pytest.mark.drill

#: Invoices that are imported at least, half of them before the failover; e-invoices that are issued around it.
INVOICES, PAPERS = (200, 6) if os.environ.get("SHORT") else (2000, 200)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrillHub]:
    storage = str(tmp_path_factory.mktemp("storage"))
    with drill_hub(webs=1, has_standby=True, STORAGE_DIR=storage, WEBHOOK_RETRIES="1,2,3,5,8") as running:
        wait_for(lambda: running.get("/healthz/worker")[0] == 200, 60)
        yield running


@pytest.fixture(scope="module")
def seller(hub: DrillHub) -> dict[str, str]:
    return sign_in_a_seller(hub)


@pytest.mark.takes_turns
def test_lists_come_from_the_standby_unless_the_caller_has_just_written(hub: DrillHub) -> None:
    assert hub.standby
    reader, number = hub.sign_in("billing"), f"REPLICA-{time.monotonic_ns()}"

    def finds(headers: dict[str, str]) -> bool:
        status, body = hub.get(f"/api/sales/invoices/?search={number}", headers=headers)
        assert status == 200, body
        return number in body

    for _ in range(3):  # each process learns how far the standby is
        assert not any([finds(reader), finds(HEADERS)])
        time.sleep(1.1)
    with psycopg.connect(hub.standby.url, autocommit=True) as standby:
        standby.execute("SELECT pg_wal_replay_pause()")
        status, answer = hub.post("/api/sales/import/invoice/", a_sale(invoice_no=number))
        assert status == 201, answer
        assert finds(HEADERS), "the ERP does not see what it has just written"
        assert not finds(reader), "the list came from the primary"
        standby.execute("SELECT pg_wal_replay_resume()")
    wait_for(lambda: finds(reader), 30)
    assert finds(HEADERS)
    assert re.search(r"^ok +replica +[0-9.]+ MiB behind the primary$", hub.flask("hub", "doctor"), re.M)


def test_another_database_of_the_standby_is_not_read(hub: DrillHub) -> None:
    """It replays the same log, but it has other invoices."""
    assert hub.standby
    hub.sql("CREATE DATABASE another")
    other = make_url(hub.standby.url).set(database="another").render_as_string()
    environment = {**os.environ, **hub.environment, "DATABASE_REPLICA_URL": other}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "hub", "doctor"]

    def is_refused() -> bool:
        told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout
        assert not re.search(r"^ok +replica ", told, re.M)
        return "it is no standby of the database in DATABASE_URL" in told

    wait_for(is_refused, 30)  # until the standby has the new database


def test_a_standby_takes_over_under_load(hub: DrillHub, seller: dict[str, str]) -> None:
    began, watching = time.monotonic(), Watching(0.0)
    endpoint = subscribe(hub, sign_in_an_admin(hub), watching.receiver.port)
    with Imports(hub) as imports:
        papers = [issue(hub, seller) for _ in range(PAPERS)]
        wait_for(lambda: len(imports.stored) >= INVOICES / 2, 300)
        hub.promote_standby()
        promoted = time.monotonic()
        before = len(imports.stored)
        wait_for(lambda: len(imports.stored) > before, 60)
        print(f"\nfirst import {time.monotonic() - promoted:.1f} s after the promotion, then", end=" ")
        wait_for(lambda: len(imports.stored) >= INVOICES, 300)
    print(f"{len(imports.stored)} imports; refused or cut off: {dict(imports.failures)}")
    assert set(imports.failures) - {"503"} == set(), imports.failures
    assert imports.failures, "no request was cut off"
    fault = "PostgreSQL killed, its standby promoted"
    imports.report(fault)
    printed(hub, seller, papers, fault, began)
    every_event_arrived(hub, endpoint, watching, fault, began)


def test_a_demoted_server_refuses_changes_for_now(hub: DrillHub, seller: dict[str, str]) -> None:
    """The hub is connected to a server that becomes a standby: 503 until it, or another, takes changes again."""

    def set_read_only(state: str) -> None:
        hub.sql(f"ALTER SYSTEM SET default_transaction_read_only = {state}")
        hub.sql("SELECT pg_reload_conf()")

    with Imports(hub, clients=1) as imports:
        set_read_only("on")
        wait_for(lambda: imports.failures["503"] > 2, 30)
        drafts = [hub.post("/api/v1/einvoices", DRAFT, headers=seller)[0] for _ in range(3)]
        set_read_only("off")
        before = len(imports.stored)
        wait_for(lambda: len(imports.stored) > before, 30)
    assert set(imports.failures) == {"503"}, imports.failures
    assert drafts == [503] * 3
