"""Faults under load: killed processes, a lost database, a full disk, doubled processes, jumping clocks."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import libfaketime
import psutil
import pytest

from app.local.servers.valkey import Valkey
from app.processes import PROCESSES
from tests.drills.figures import Figures, report
from tests.drills.hubs import HEADERS, DrillHub, drill_hub, wait_for
from tests.drills.loads import LINES, Imports
from tests.drills.papers import hurry, issue, printed, sign_in_a_seller, sign_in_an_admin, unprinted
from tests.factories import a_sale, an_item
from tests.webhooks.receivers import Receiver

pytestmark = pytest.mark.drill

#: Seconds of each load, and e-invoices of each drill of the printer.
SECONDS, PAPERS = (6, 12) if os.environ.get("SHORT") else (30, 60)
IS_ROOT = os.geteuid() == 0
needs_small_disk = pytest.mark.skipif(not IS_ROOT, reason="only root may mount a file system")
TASKS = {process.name: process for process in PROCESSES}


@pytest.fixture(scope="module")
def clock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("clock") / "offset"
    file.write_text("+0")
    return file


@pytest.fixture(scope="module")
def hub(clock_file: Path, small_disk: Path) -> Iterator[DrillHub]:
    """A hub of its own, whose processes read the clock through ``clock_file`` and store files on a small disk."""
    [library] = Path(libfaketime.__file__).parent.rglob("libfaketime.so.1")
    clock = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock_file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    for name in ("storage", "tmp"):
        (small_disk / name).mkdir()
    with drill_hub(STORAGE_DIR=str(small_disk / "storage"), TMPDIR=str(small_disk / "tmp"), **clock) as running:
        wait_for(lambda: running.get("/healthz/worker")[0] == 200, 60)
        yield running


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 8 MiB; a plain folder where the user may not mount one."""
    folder = tmp_path_factory.mktemp("disk")
    if not IS_ROOT:
        yield folder
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "hub-drill", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(scope="module")
def seller(hub: DrillHub) -> dict[str, str]:
    return sign_in_a_seller(hub)


def until(seconds: float) -> Iterator[float]:
    """Seconds that have passed, again and again, until ``seconds`` have."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        yield passed


def test_web_processes_are_killed_during_imports(hub: DrillHub) -> None:
    kills = 0
    with Imports(hub) as imports:
        for _ in until(SECONDS):
            time.sleep(0.7)
            for child in psutil.Process(hub.children[random.choice(["web", "web 1"])].pid).children():
                with suppress(psutil.NoSuchProcess):
                    child.kill()
                    kills += 1
    assert kills
    assert imports.failures, "no request was cut off"
    imports.report(f"kill -9 of web processes, {kills} times")


def test_the_database_is_restarted_during_imports(hub: DrillHub) -> None:
    with Imports(hub) as imports:
        time.sleep(SECONDS / 3)
        hub.restart_postgres()
        time.sleep(SECONDS / 3)
        hub.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        time.sleep(SECONDS / 3)
    assert imports.failures, "no request was cut off"
    imports.report("restart of PostgreSQL, then all connections cut")


@pytest.mark.parametrize("fate", ["frozen", "flushed", "replaced"])
def test_redis_fails_during_imports(hub: DrillHub, seller: dict[str, str], fate: str) -> None:
    began = time.monotonic()
    papers = []
    with Imports(hub) as imports:
        time.sleep(SECONDS / 4)
        {"frozen": hub.freeze_redis, "flushed": hub.flush_redis, "replaced": hub.stop_redis}[fate]()
        papers = [issue(hub, seller) for _ in range(3)]
        time.sleep(SECONDS / 2)
        if fate == "frozen":
            hub.thaw_redis()
        elif fate == "replaced":
            hub.start_redis()
    assert not imports.failures, imports.failures
    imports.report(f"Redis {fate}")
    printed(hub, seller, papers, f"Redis {fate}", began)


def test_printers_are_killed_while_they_print(hub: DrillHub, seller: dict[str, str]) -> None:
    began = time.monotonic()
    ids = [issue(hub, seller) for _ in range(PAPERS)]
    kills = 0
    while unprinted(hub, ids) and kills < PAPERS // 4:
        time.sleep(random.uniform(0.3, 1))
        hub.kill_one_of("printer") if kills % 3 else hub.kill_worker("printer")
        kills += 1
        hurry(hub)
    printed(hub, seller, ids, f"kill -9 of printers, {kills} times", began)


@needs_small_disk
def test_the_disk_is_full_while_papers_are_printed(hub: DrillHub, seller: dict[str, str]) -> None:
    began = time.monotonic()
    with full_disk(hub):
        ids = [issue(hub, seller) for _ in range(3)]
        failed = "SELECT count(*) FROM e_invoice_pdfs WHERE einvoice_id = ANY(%s) AND error IS NOT NULL"
        wait_for(lambda: hub.sql(failed, ids) == [(3,)], 60)
        status, answer = hub.get(f"/api/v1/einvoices/{ids[0]}/pdf", headers=seller)
        assert status in {404, 409}, answer
    printed(hub, seller, ids, "disk full while PDFs are written", began)


@needs_small_disk
def test_the_disk_is_full_while_a_backup_is_written(hub: DrillHub) -> None:
    began = time.monotonic()
    target = Path(hub.environment["STORAGE_DIR"], "hub.backup")
    with full_disk(hub):
        before = sorted(target.parent.rglob("*"))
        with pytest.raises(subprocess.CalledProcessError) as failure:
            hub.flask("hub", "backup", str(target))
        assert "No space left on device" in failure.value.stderr
        assert "Traceback" not in failure.value.stderr
        assert sorted(target.parent.rglob("*")) == before, "a part of a backup was left"
    hub.flask("hub", "backup", str(target))
    hub.flask("hub", "verify", str(target))
    target.unlink()
    report(Figures("disk full while a backup is written", "backups", 1, 0, 0, 0, time.monotonic() - began))


@needs_small_disk
def test_the_disk_is_full_while_files_are_uploaded_and_exported(hub: DrillHub) -> None:
    """A body of more than 1 MiB goes through a file, and so does the frame of a workbook."""
    began = time.monotonic()
    sales = [a_sale(invoice_no=f"FULL-{number}", items=[an_item() for _ in range(LINES)]) for number in range(700)]
    path, stored = (
        "/api/sales/import/invoices/",
        "SELECT count(*) FROM sales_invoices WHERE starts_with(invoice_no, 'FULL-')",
    )
    with full_disk(hub):
        status, answer = hub.post(path, sales)
        assert (status, answer["success"]) == (503, False), answer
        assert "disk" in answer["message"]
        status, content = hub.get_bytes("/api/sales/export/?format=xlsx", headers=HEADERS)
        assert status == 503, content
    assert hub.sql(stored) == [(0,)]
    assert hub.get_bytes("/api/sales/export/?format=xlsx", headers=HEADERS)[0] == 200
    status, answer = hub.post(path, sales)
    assert status == 200, answer
    lost = len(sales) - hub.sql(stored)[0][0]
    report(Figures("disk full while a file is uploaded", "invoices", len(sales), lost, 0, 0, time.monotonic() - began))


def test_every_process_runs_twice(hub: DrillHub, seller: dict[str, str]) -> None:
    """Two beats, and a second set of workers with a Redis of its own: two hubs on one database."""
    began = time.monotonic()
    receiver = Receiver(lambda _request: (204, {}, b""))
    endpoint = {
        "url": f"http://127.0.0.1:{receiver.port}/hooks",
        "events": ["sales.*"],
        "allowances": [{"cidr": "127.0.0.0/8", "port": receiver.port}],
    }
    status, made = hub.post("/api/v1/webhooks/endpoints", endpoint, headers=sign_in_an_admin(hub))
    assert status == 201, made
    others = ["worker", "printer", "webhooks", "retries", "providers", "checker", "beat"]
    with second_redis() as url:
        hub.start(TASKS["beat"], name="second beat")
        for name in others:
            hub.start(TASKS[name], name=f"other {name}", REDIS_URL=url)
        with Imports(hub) as imports:
            time.sleep(SECONDS)
            papers = [issue(hub, seller) for _ in range(PAPERS // 2)]
        imports.report("every process twice, two Redis")
        printed(hub, seller, papers, "every process twice, two Redis", began)
        delivered = "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = %s AND state = 'delivered'"
        wait_for(lambda: hub.sql(delivered, made["id"])[0][0] >= len(imports.stored), 60)
        for name in ["second beat", *(f"other {name}" for name in others)]:
            hub.kill_tree(name)
            del hub.children[name]
    events = [request["X-Webhook-Id"] for request in receiver.requests]
    twice = len(events) - len(set(events))
    sent = len(imports.stored)
    report(Figures("every process twice, two Redis", "webhooks", sent, max(0, sent - len(set(events))), twice))
    receiver.close()
    hub.post(f"/api/v1/webhooks/endpoints/{made['id']}/disable", {}, headers=seller)


@pytest.mark.parametrize("jump", ["+3h", "-3h"])
def test_the_clock_jumps_and_jumps_back(hub: DrillHub, seller: dict[str, str], clock_file: Path, jump: str) -> None:
    """The printer is killed while the clock is wrong, so that what it claimed and what waits for it is dated wrong."""
    began = time.monotonic()
    with Imports(hub) as imports:
        papers = [issue(hub, seller) for _ in range(2)]
        clock_file.write_text(jump)
        time.sleep(SECONDS / 2 + 1)
        papers += [issue(hub, seller) for _ in range(PAPERS // 2)]
        hub.kill_tree("printer")
        papers += [issue(hub, seller) for _ in range(2)]
        clock_file.write_text("+0")
        time.sleep(SECONDS / 2)
        hub.start(TASKS["printer"])
        papers += [issue(hub, seller) for _ in range(2)]
    imports.report(f"clock of all processes {jump} and back")
    printed(hub, seller, papers, f"clock of all processes {jump} and back", began)
    wait_for(lambda: hub.get("/healthz/worker")[0] == 200, 60)


@contextmanager
def full_disk(hub: DrillHub) -> Iterator[None]:
    """Fill the disk to the last byte; free it at the end."""
    filler = Path(hub.environment["STORAGE_DIR"], "filler")
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def second_redis() -> Iterator[str]:
    """The address of another, empty Redis."""
    with tempfile.TemporaryDirectory() as folder:
        valkey = Valkey(Path(folder))
        valkey.start()
        try:
            yield valkey.url
        finally:
            valkey.stop()
