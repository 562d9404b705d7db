"""Lives of e-invoices: users, workers and a provider act on them in any order; for a stateful test.

The provider is the simulator on loopback, the hub is the application over its database, and workers are threads that
run the code of the tasks.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from app.einvoices.providers import look_ups, outbox
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.worker import work_queue
from app.provider_simulator.document_store import Document
from app.provider_simulator.simulator_state import Simulator
from tests.einvoices.helpers import URL
from tests.factories import a_draft

#: Seconds after which every retry and every look-up is due.
LONG = work_queue.DELAYS[-1].total_seconds() + 61
BEHAVIOURS = ("accept", "reject", "lost", "half", "error", "garbage", "cut", "fail", "refuse", "hang")
_DONE, _REFUSED = {200, 201, 202}, {409}
#: Own statuses of an e-invoice that the provider has.
_TAKEN = {"sent", "accepted", "rejected", "refunded"}
_PARALLEL = 3


@dataclass
class World:
    """What every run of the machine uses; ``make_client`` makes a client of a new user."""

    app: Hub
    simulator: Simulator
    make_client: Callable[..., FlaskClient]
    pass_time: Callable[[float], None]


@dataclass
class Life:
    """One e-invoice: its client, and the statuses that its provider has had since it was stored."""

    client: FlaskClient
    id: int
    words: list[tuple[str, Any]] = field(default_factory=list)


class Lifetimes(RuleBasedStateMachine):
    """The steps; ``teardown`` lets everything come to its end and checks what must hold."""

    lives = Bundle("lives")
    world: World
    patch: pytest.MonkeyPatch

    @initialize(target=lives, behaviours=st.lists(st.sampled_from(BEHAVIOURS), min_size=1, max_size=3))
    def begin(self, behaviours: list[str]) -> Any:
        """Two sellers with an e-invoice or two on their way to the provider."""
        self.world.simulator.store.set_setting("look_up_failures", 0)
        self.world.simulator.store.clear()
        self.sellers = [self.world.make_client() for _ in range(2)]
        self.all: list[Life] = []
        begun = [
            self.make_draft(self.sellers[n % 2], behaviour)
            for n, behaviour in enumerate([*behaviours, "reject", "lost"])
        ]
        for life in begun:
            self.act(life, "issue")
            self.act(life, "send")
        return multiple(*begun)

    @rule(target=lives, seller=st.integers(0, 1), behaviour=st.sampled_from(BEHAVIOURS))
    def draft(self, seller: int, behaviour: str) -> Life:
        return self.make_draft(self.sellers[seller], behaviour)

    @rule(life=lives, action=st.sampled_from(["issue", "send"]))
    def step(self, life: Life, action: str) -> None:
        self.act(life, action)

    @rule(life=lives)
    def cancel(self, life: Life) -> None:
        self.act(life, "cancel", {"reason": "x"})

    @rule(target=lives, life=lives)
    def correct(self, life: Life) -> Any:
        return self.derive(life, "corrections", {})

    @rule(target=lives, life=lives)
    def credit(self, life: Life) -> Any:
        return self.derive(life, "credit-notes", {"reason": "x"})

    @rule(life=lives)
    def decide(self, life: Life) -> None:
        """A person asks the provider and settles the doubt."""
        taken = self.document_of(life) is not None
        self.act(life, "settle-doubt", {"taken": taken, "reason": "asked"}, other={404})

    @rule(workers=st.integers(1, _PARALLEL))
    def work(self, workers: int) -> None:
        self.together([outbox.send_due] * workers)

    @rule()
    def lose_a_worker(self) -> None:
        """A worker is killed after the provider has answered, before the hub has stored the answer."""

        def die(*_args: Any, **_facts: Any) -> None:
            raise SystemExit

        with pytest.MonkeyPatch.context() as patch:
            for name in ("finish", "fail"):
                patch.setattr(work_queue, name, die)
            with self.world.app.app_context():
                try:
                    outbox.send_due()
                except SystemExit:
                    db.session.rollback()

    @rule(workers=st.integers(1, _PARALLEL))
    def sweep(self, workers: int) -> None:
        self.together([look_ups.look_up_due] * workers)

    @rule(seconds=st.sampled_from([31, 61, 121, LONG]))
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(percent=st.sampled_from([0, 0, 50, 100]))
    def break_look_ups(self, percent: int) -> None:
        self.world.simulator.store.set_setting("look_up_failures", percent)

    @rule(life=lives, word=st.sampled_from(["accepted", "rejected", "processing"]), told=st.booleans())
    def change_the_mind_of_the_provider(self, life: Life, word: str, told: bool) -> None:
        """Another status at the provider; not of one that was corrected or cancelled because it was rejected."""
        document = self.document_of(life)
        shown = self.shown(life)
        if document is None or shown["corrected_by_id"] or shown["status"] == "cancelled":
            return
        self.world.simulator.store.report_now(document.id, word)
        life.words.append((word, clock.now()))
        if told:
            self.report(life, -1)

    @rule(life=lives, action=st.sampled_from(["cancel", "correct"]))
    def give_up_in_doubt(self, life: Life, action: str) -> None:
        """The look-ups fail until the last attempt is over, and a user wants to go on."""
        self.break_look_ups(100)
        for _ in range(len(work_queue.DELAYS) + 1):
            self.world.pass_time(LONG)
            self.work(1)
        getattr(self, action)(life)

    @rule(life=lives)
    def send_again_what_was_rejected(self, life: Life) -> None:
        """The provider knows the e-invoice by the key of the first sending."""
        self.break_look_ups(0)
        self.world.pass_time(LONG)
        self.work(2)
        if self.shown(life)["status"] == "rejected":
            self.act(life, "send")
            self.work(1)

    @rule(life=lives, action=st.sampled_from(["correct", "cancel", "send"]))
    def take_a_rejection_back(self, life: Life, action: str) -> None:
        """The provider accepts what it had rejected, and a user goes on as if it were rejected."""
        if self.shown(life)["status"] == "rejected":
            self.change_the_mind_of_the_provider(life, "accepted", True)
            {"correct": self.correct, "cancel": self.cancel}.get(action, lambda one: self.act(one, "send"))(life)

    @rule(life=lives, which=st.integers(0, 5))
    def report_late_or_again(self, life: Life, which: int) -> None:
        if life.words:
            self.report(life, which % len(life.words))

    @rule(
        life=lives,
        actions=st.lists(st.sampled_from(["send", "cancel", "work", "sweep", "correct"]), min_size=2, max_size=3),
    )
    def act_at_the_same_time(self, life: Life, actions: list[str]) -> None:
        known: dict[str, Callable[[], Any]] = {
            "send": lambda: self.act(life, "send"),
            "cancel": lambda: self.act(life, "cancel", {"reason": "x"}),
            "correct": lambda: self.derive(life, "corrections", {}),
            "work": outbox.send_due,
            "sweep": look_ups.look_up_due,
        }
        self.together([known[action] for action in actions])

    def make_draft(self, client: FlaskClient, behaviour: str) -> Life:
        answer = client.post(URL, json=a_draft(provider="http", metadata={"simulate": behaviour}))
        assert answer.status_code == 201, answer.json
        return self.live(client, answer.json["id"])

    def live(self, client: FlaskClient, einvoice_id: int) -> Life:
        life = Life(client, einvoice_id)
        self.all.append(life)
        return life

    def act(self, life: Life, action: str, body: Any = None, other: set[int] = frozenset()) -> Any:  # type: ignore[assignment]
        """Perform an action, which may be refused; nothing else may happen."""
        answer = life.client.post(f"{URL}/{life.id}/{action}", json=body)
        assert answer.status_code in _DONE | _REFUSED | other, (action, answer.json)
        return answer

    def derive(self, life: Life, action: str, body: Any) -> Any:
        answer = self.act(life, action, body, other={422})
        if answer.status_code != 201:
            return multiple()
        derived = self.live(life.client, answer.json["id"])
        assert derived.client.patch(f"{URL}/{derived.id}", json={"metadata": {}}).status_code == 200
        self.act(derived, "issue")
        return derived

    def report(self, life: Life, which: int) -> None:
        word, moment = life.words[which]
        body = {"provider_status": word, "occurred_at": moment.isoformat()}
        self.act(life, "provider-status", body)

    def together(self, works: list[Callable[[], Any]]) -> None:
        """Run functions at the same time, each in a thread with a session of its own."""
        barrier = threading.Barrier(len(works))

        def run(work: Callable[[], Any]) -> None:
            with self.world.app.app_context():
                barrier.wait(10)
                try:
                    work()
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(len(works)) as pool:
            for done in [pool.submit(run, work) for work in works]:
                done.result()

    def shown(self, life: Life) -> dict[str, Any]:
        answer = life.client.get(f"{URL}/{life.id}?include_events=1")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json
        return found

    def document_of(self, life: Life) -> Document | None:
        """What the provider has of an e-invoice."""
        number, tax_id = self.shown(life)["invoice_no"], life.client.tax_id
        found = [
            known
            for known in self.world.simulator.store.documents()
            if (known.seller, known.invoice_no) == (tax_id, number)
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def teardown(self) -> None:
        """Let everything come to its end: look-ups work, all delays pass, and the last report of each arrives."""
        if not hasattr(self, "all"):
            return
        self.world.simulator.store.set_setting("look_up_failures", 0)
        for _ in range(2 * len(work_queue.DELAYS) + 2):
            self.world.pass_time(LONG)
            self.together([outbox.send_due, look_ups.look_up_due])
        for life in self.all:
            if life.words:
                self.report(life, -1)
        for life in self.all:
            self.check(life)
        self.check_numbers()

    def check(self, life: Life) -> None:
        shown, document = self.shown(life), self.document_of(life)
        story = (shown, document)
        assert shown["provider_status"] not in {"queued", "in_doubt"}, story
        if document is None:
            assert shown["status"] in {"draft", "issued", "cancelled"} or shown["provider_status"] == "failed", story
            return
        was_rejected = document.word == "rejected"
        assert shown["status"] in _TAKEN or was_rejected, story
        assert shown["provider_status"] in {document.word, "taken"}, story
        amount, currency = document.total.split()
        assert (Decimal(amount), currency) == (shown["totals"]["grand_total"], shown["totals"]["currency"]), story
        if shown["corrected_by_id"]:
            assert was_rejected, story

    def check_numbers(self) -> None:
        for seller in self.sellers:
            series = seller.get(f"{URL}/series").json["data"]
            assert [row["gaps"] for row in series] == [[] for _ in series], series
            numbers = Counter(self.shown(life)["invoice_no"] for life in self.all if life.client is seller)
            del numbers[None]
            assert set(numbers.values()) <= {1}, numbers
            assert sum(row["count"] for row in series) == len(numbers)
