"""Lanes: accounts share the sender fairly, and each keeps its limits; one that hangs delays no other."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.providers import lanes, look_ups, outbox
from app.einvoices.providers.clients import ADAPTERS
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import fair_round
from app.kernel.worker.lane_limits import Lane, share_out
from tests.einvoices.helpers import create_issued, fetch_detail, perform, set_adapter
from tests.einvoices.provider_accounts.helpers import ACCOUNTS


def open_account(client: FlaskClient, name: str, **facts: Any) -> int:
    made = client.post(ACCOUNTS, json={"name": name, "adapter": "null", **facts})
    assert client.post(f"{ACCOUNTS}/{made.json['id']}/test").json["state"] == "ready"
    account_id: int = made.json["id"]
    return account_id


def queue(client: FlaskClient, account_id: int, count: int = 1) -> list[int]:
    ids = [
        create_issued(client, provider_account_id=account_id, metadata={"of": account_id})["id"] for _ in range(count)
    ]
    for einvoice_id in ids:
        perform(client, einvoice_id, "send")
    return ids


class Recorder:
    """An adapter that counts the requests that run at the same time, by account, and lets some of them hang."""

    def __init__(self, slow: dict[int, float] | None = None, seconds: float = 0.02) -> None:
        self.slow, self.seconds = slow or {}, seconds
        self.running: Counter[int] = Counter()
        self.most: Counter[int] = Counter()
        self.finished: list[tuple[int, float]] = []
        self._lock, self._started = threading.Lock(), time.monotonic()

    def __call__(self, request: ProviderRequest) -> ProviderResponse:
        account = request.document["metadata"]["of"]
        with self._lock:
            self.running[account] += 1
            self.most[account] = max(self.most[account], self.running[account])
        time.sleep(self.slow.get(account, self.seconds))
        with self._lock:
            self.running[account] -= 1
            self.finished.append((account, time.monotonic() - self._started))
        return PROVIDERS_NULL(request)


PROVIDERS_NULL = ADAPTERS["null"].send


def install(monkeypatch: pytest.MonkeyPatch, adapter: Callable[[ProviderRequest], ProviderResponse]) -> None:
    set_adapter(monkeypatch, "null", send=adapter)


def lane_of(account_id: int) -> Any:
    with db.engine.connect() as connection:
        return connection.execute(text("SELECT * FROM provider_lanes WHERE id = :id"), {"id": account_id}).one()


def test_an_account_that_hangs_does_not_delay_the_others(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, other = open_account(owner, "Hanging"), open_account(owner, "Other")
    queue(owner, hanging, 6)
    ids = queue(owner, other, 3)
    install(monkeypatch, recorder := Recorder({hanging: 3.2}))
    outbox.send_due()
    last = max(when for account, when in recorder.finished if account == other)
    assert last < 1.0, recorder.finished
    assert {fetch_detail(owner, each)["status"] for each in ids} == {"accepted"}
    assert lane_of(hanging).is_slow
    assert not lane_of(other).is_slow


def test_an_account_that_hangs_gets_no_further_request(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request hangs; that another one is answered meanwhile brings no further one."""
    account_id = open_account(owner, "Hanging", concurrency=2)
    queue(owner, account_id, 3)
    monkeypatch.setattr(fair_round, "HANGING_SECONDS", 0.2)
    seconds, lock, started = iter((1.5, 0.5, 0.0)), threading.Lock(), list[float]()

    def hang(request: ProviderRequest) -> ProviderResponse:
        with lock:
            started.append(time.monotonic())
            duration = next(seconds)
        time.sleep(duration)
        return PROVIDERS_NULL(request)

    install(monkeypatch, hang)
    outbox.send_due()
    first, second, third = started
    assert second - first < 0.5
    assert third - first >= 1.5


def test_a_slow_account_gets_one_request_at_a_time(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = open_account(owner, "Slow")
    queue(owner, account_id, 3)
    with unit_of_work():
        db.session.execute(text("UPDATE provider_lanes SET is_slow = true"))
    monkeypatch.setattr(lanes, "SLOW_SECONDS", 0.05)
    install(monkeypatch, recorder := Recorder({account_id: 0.1}))
    outbox.send_due()
    assert (recorder.most[account_id], len(recorder.finished)) == (1, 3)


def test_the_concurrency_of_an_account_is_kept(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = open_account(owner, "Two", concurrency=2)
    queue(owner, account_id, 6)
    install(monkeypatch, recorder := Recorder(seconds=0.1))
    outbox.send_due()
    assert (recorder.most[account_id], len(recorder.finished)) == (2, 6)


def test_the_rate_of_an_account_is_kept(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = open_account(owner, "Rate", rate_per_minute=60)
    queue(owner, account_id, 4)
    install(monkeypatch, recorder := Recorder())
    outbox.send_due()
    assert 1 <= len(recorder.finished) <= 2  # one at once, and what was unused in the second before
    assert lane_of(account_id).booked_until > clock.now()


def test_an_account_in_trouble_rests_longer_and_longer(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    account_id = open_account(owner, "Away")
    queue(owner, account_id, 1)

    def fail(_request: ProviderRequest) -> ProviderResponse:
        raise ProviderRejected("away", permanent=False, in_doubt=False)

    install(monkeypatch, fail)
    with unit_of_work():
        db.session.execute(text("UPDATE provider_lanes SET failures = :n"), {"n": lanes.FAILURES_BEFORE_REST + 3})
    before = clock.now()
    outbox.send_due()
    assert lane_of(account_id).booked_until - before >= timedelta(seconds=16)
    soon = before + timedelta(seconds=10)
    monkeypatch.setattr(clock, "now", lambda: soon)
    with unit_of_work():
        db.session.execute(text("UPDATE e_invoice_sendings SET due_at = :now"), {"now": before})
    assert outbox.send_due() == 0
    late = before + lanes.LONGEST_REST
    monkeypatch.setattr(clock, "now", lambda: late)
    install(monkeypatch, PROVIDERS_NULL)
    assert outbox.send_due() == 1
    assert lane_of(account_id).failures == 0


def test_look_ups_of_an_account_that_hangs_do_not_delay_others(
    owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, other = open_account(owner, "Hanging"), open_account(owner, "Other")
    ids = {name: queue(owner, account)[0] for name, account in (("hanging", hanging), ("other", other))}
    with unit_of_work():
        doubt = "UPDATE e_invoice_sendings SET state = 'failed', in_doubt = true, finished_at = now()"
        db.session.execute(text(doubt))
    asked: dict[int, float] = {}
    started = time.monotonic()

    def look_up(request: ProviderRequest) -> ProviderResponse:
        account = request.document["metadata"]["of"]
        time.sleep(1.5 if account == hanging else 0)
        asked[account] = time.monotonic() - started
        return PROVIDERS_NULL(request)

    set_adapter(monkeypatch, "null", look_up=look_up)
    assert look_ups.look_up_due() == 2
    assert asked[other] < 1.0 < asked[hanging]
    assert {fetch_detail(owner, each)["status"] for each in ids.values()} == {"accepted"}


def test_free_places_are_shared() -> None:
    moment = clock.now()
    three = [Lane(number, moment, 50, None, False) for number in range(3)]
    assert share_out(three, {}, 9, moment) == [3, 3, 3]
    assert share_out(three, {0: 49, 1: 50}, 9, moment) == [1, 0, 3]
    assert share_out([Lane(0, moment, 50, None, True)], {}, 9, moment) == [1]


@pytest.mark.parametrize(
    ("hosts", "party"), [(("8.8.8.8", "8.8.8.8"), "host 8.8.8.8:8443"), (("8.8.8.8", "8.8.4.4"), "user 1")]
)
def test_a_host_and_a_user_get_a_part_of_the_places(owner: FlaskClient, hosts: Sequence[str], party: str) -> None:
    """Many accounts at providers that hang leave places for others."""
    for number, host in enumerate(hosts):
        account = {"name": f"A{number}", "adapter": "http", "url": f"https://{host}:8443/take", "concurrency": 12}
        account_id = owner.post(ACCOUNTS, json=account).json["id"]
        with unit_of_work():
            db.session.execute(text("UPDATE provider_accounts SET test_passed = true, tested_at = now()"))
        queue(owner, account_id)

    def limits(running: int) -> list[int]:
        with unit_of_work():
            due = lanes.lock_due("send", 40, skip_slow=False, excluded=(), running={party: running})
            return [limit for _, limit in due]

    assert limits(0) == [12, lanes.PLACES_OF_PARTY - 12]
    assert limits(10) == [lanes.PLACES_OF_PARTY - 10, 0]
    assert limits(lanes.PLACES_OF_PARTY) == []
