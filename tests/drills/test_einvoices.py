"""Drill of sendings: a provider cuts answers after storing, and workers are killed; nothing is sent twice or lost."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from app.processes import PROCESSES
from tests.drills.figures import Figures, report
from tests.drills.hubs import DrillHub, drill_hub, wait_for
from tests.einvoices.providers.provider_server import ANSWER, CUT, StoringProvider, running_store
from tests.factories import a_draft

pytestmark = pytest.mark.drill

SHORT = bool(os.environ.get("SHORT"))
NUMBER, KILL_EVERY = (120, 3.0) if SHORT else (1000, 5.0)
#: Share of the answers that are cut after the provider has stored the e-invoice.
CUT_SHARE = 0.3
#: Each kill of this number is one of the whole worker, which then sends nothing for the seconds of its start.
KILLS_TO_A_WORKER = 12
#: Seconds of an attempt at the provider, so that many workers are killed in the middle of one.
SECONDS_OF_AN_ATTEMPT = 0.1
#: Sweeps of look-ups after which nothing may be in doubt.
SWEEPS = 2
OPEN = "SELECT count(*) FROM e_invoice_sendings WHERE state = 'pending' OR in_doubt"
UNTRIED = "SELECT count(*) FROM e_invoice_sendings WHERE attempts = 0"
#: Claims of workers, also of those that were killed. The short form does not wait for the leases of these: an attempt
#: takes 0.1 s and a lease a minute, so a claim that is 20 s old belongs to a killed worker.
CLAIMED = (
    "SELECT count(*) FROM e_invoice_sendings WHERE state = 'pending' AND claim_id IS NOT NULL "
    f"AND due_at > now() + interval '{40 if SHORT else 0} seconds'"
)
DUE = "SELECT count(*) FROM e_invoice_sendings WHERE (state = 'pending' OR in_doubt) AND due_at <= now()"
#: Ends the delays and the leases of killed workers.
PASS_TIME = (
    "UPDATE e_invoice_sendings SET due_at = now() WHERE (state = 'pending' OR in_doubt) "
    "AND (claim_id IS NULL OR due_at < now() + interval '40 seconds')"
)


@pytest.fixture(scope="module")
def provider() -> Iterator[StoringProvider]:
    """A provider that loses answers by chance, with a fixed seed."""
    chance = random.Random(17)

    def decide() -> str:
        time.sleep(SECONDS_OF_AN_ATTEMPT)
        return CUT if chance.random() < CUT_SHARE else ANSWER

    with running_store() as running:
        running.decide = decide
        yield running


@pytest.fixture(scope="module")
def hub(provider: StoringProvider) -> Iterator[DrillHub]:
    addresses = {"EINVOICE_PROVIDER_URL": provider.url, "EINVOICE_PROVIDER_LOOKUP_URL": provider.url}
    with drill_hub(webs=1, **addresses) as running:
        yield running


def send_all(hub: DrillHub) -> None:
    """Issue and send e-invoices, in parallel."""
    headers = hub.sign_in("integrator")
    hub.make_seller()

    def send(_: int) -> None:
        _, draft = hub.post("/api/v1/einvoices", a_draft(provider="http"), headers=headers)
        for action, expected in (("issue", 200), ("send", 202)):
            status, answer = hub.post(f"/api/v1/einvoices/{draft['id']}/{action}", None, headers=headers)
            assert status == expected, answer

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(NUMBER)))


def start_if_ended(hub: DrillHub) -> None:
    """Start the worker again, as a supervisor does: Celery ends when a process of its pool dies while it starts."""
    if hub.children["providers"].poll() is not None:
        hub.start(next(process for process in PROCESSES if process.name == "providers"))


def kill_until(hub: DrillHub, done: threading.Event, kills: list[str]) -> None:
    """Kill a process of the worker's pool every few seconds, and now and then the worker with all of them."""
    while not done.wait(KILL_EVERY):
        start_if_ended(hub)
        if not psutil.Process(hub.children["providers"].pid).children():
            continue  # it is still starting
        whole = len(kills) % KILLS_TO_A_WORKER == 1
        (hub.kill_worker if whole else hub.kill_one_of)("providers")
        kills.append("worker" if whole else "process")


def test_nothing_is_sent_twice_or_stays_in_doubt(hub: DrillHub, provider: StoringProvider) -> None:
    done, kills = threading.Event(), list[str]()
    killer = threading.Thread(target=kill_until, args=(hub, done, kills))
    killer.start()
    started = time.monotonic()
    try:
        send_all(hub)
        wait_for(lambda: hub.sql(UNTRIED)[0][0] == 0 if SHORT else provider_has_all(provider), 900)
    finally:
        done.set()
        killer.join()
    start_if_ended(hub)
    still_open = [hub.sql(OPEN)[0][0], *(sweep(hub) for _ in range(SWEEPS))]
    seconds = time.monotonic() - started
    posts, keys = sum(provider.received.values()), len(provider.received)
    repeats = posts - keys
    found = hub.sql("SELECT count(*) FROM e_invoice_events WHERE type = 'sent' AND payload ->> 'looked_up' = 'true'")
    lookups = f"{sum(provider.looked_up.values())} look-ups ({found[0][0]} found)"
    requests = f"{posts} requests ({repeats} with a key that the provider had)"
    print(f"\n{NUMBER} e-invoices, {len(kills)} kills ({kills.count('worker')} of the worker), {requests}, {lookups}")
    print(f"{still_open[0]} open after the last kill, then after each sweep {still_open[1:]}, {seconds:.0f} s")
    [(accepted,)] = hub.sql(
        "SELECT count(*) FROM e_invoices WHERE status = 'accepted' AND provider_status = 'accepted'"
    )
    fault = "workers killed, answers of a provider cut after storing"
    report(Figures(fault, "e-invoices", NUMBER, lost=NUMBER - accepted, twice=repeats, seconds=seconds))
    assert still_open[-1] == 0
    assert len(kills) >= 3
    assert keys == len(provider.stored) == len(set(provider.stored.values())) == NUMBER
    numbers = hub.sql(
        "SELECT e.invoice_no, s.key::text FROM e_invoices e JOIN e_invoice_sendings s ON s.einvoice_id = e.id"
    )
    assert {key: number for number, key in numbers} == provider.stored


def sweep(hub: DrillHub) -> int:
    """Wait until each open sending was tried once more; returns how many are open then."""
    wait_for(lambda: hub.sql(CLAIMED)[0][0] == 0, 90)
    hub.sql(PASS_TIME)
    wait_for(lambda: hub.sql(DUE)[0][0] == 0 and hub.sql(CLAIMED)[0][0] == 0, 120)
    return int(hub.sql(OPEN)[0][0])


def provider_has_all(provider: StoringProvider) -> bool:
    return len(provider.stored) >= NUMBER
