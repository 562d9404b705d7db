"""The steps of the stateful test; its end lets everything come to rest and checks what must hold."""

from __future__ import annotations

from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from app.einvoices.decisions import decision_checks
from app.einvoices.providers import look_ups, outbox
from app.extensions import db
from app.kernel import clock
from app.kernel.worker import work_queue
from app.provider_simulator.document_store import REPORT_PAUSE
from tests.einvoices.helpers import URL
from tests.einvoices.providers.lifetimes import ends
from tests.einvoices.providers.lifetimes.world import Life, Way, World
from tests.factories import a_draft

#: Seconds after which every retry and every look-up is due.
LONG = work_queue.DELAYS[-1].total_seconds() + 61
#: Of one e-invoice; "" leaves the choice to the mood of the provider.
BEHAVIOURS = ("", "accept", "reject", "late", "duplicate", "out_of_order", "lost", "half", "error", "hang", "refuse")
#: Of every e-invoice that leaves the choice: the attempts of one may meet several.
MOODS = ("accept", "reject", "lost", "garbage", "cut", "fail", "refuse")
_DONE, _REFUSED = {200, 201, 202}, {409}
_PARALLEL = 3


class Lifetimes(RuleBasedStateMachine):
    """Users, workers and a provider act in any order."""

    lives = Bundle("lives")
    world: World

    @initialize(target=lives, behaviours=st.lists(st.sampled_from(BEHAVIOURS), min_size=1, max_size=2))
    def begin(self, behaviours: list[str]) -> Any:
        """E-invoices of each seller and way on their way to the provider."""
        self.world.restart()
        self.all: list[Life] = []
        for number, way in enumerate(Way):
            self.make_draft(number % 2, way, ("out_of_order", "lost", "", "reject")[number])
        for number, behaviour in enumerate(behaviours):
            self.make_draft(number % 2, Way.MAPPED, behaviour)
        for life in self.all:
            self.act(life, "issue")
            self.act(life, "send")
        return multiple(*self.all)

    @rule(target=lives, seller=st.integers(0, 1), way=st.sampled_from(Way), behaviour=st.sampled_from(BEHAVIOURS))
    def draft(self, seller: int, way: Way, behaviour: str) -> Life:
        return self.make_draft(seller, way, behaviour)

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

    @rule(target=lives, life=lives)
    def credit_by_a_colleague(self, life: Life) -> Any:
        """Another user drafts a credit note of the seller, and issues it."""
        return self.derive(life, "credit-notes", {"reason": "x"}, by=self.world.colleague)

    @rule(life=lives, action=st.sampled_from(["issue", "send", "cancel"]))
    def take_over(self, life: Life, action: str) -> None:
        """Another user goes on with what the seller has begun."""
        self.act(life, action, {"reason": "x"} if action == "cancel" else None, by=self.world.colleague)

    @rule(life=lives, action=st.sampled_from(["cancel", "correct", "credit"]), is_taken_over=st.booleans())
    def free_the_original(self, life: Life, action: str, is_taken_over: bool) -> None:
        """A credit note is cancelled, and its original is free for another step."""
        credit = self.credit_by_a_colleague(life) if is_taken_over else self.credit(life)
        if isinstance(credit, Life):
            self.cancel(credit)
            getattr(self, action)(life)

    @rule(life=lives)
    def decide(self, life: Life) -> None:
        """A person asks the provider and settles the doubt."""
        taken = self.world.document(life) is not None
        self.act(life, "settle-doubt", {"taken": taken, "reason": "asked"}, other={404})

    @rule(life=lives)
    def decide_without_looking(self, life: Life) -> None:
        """A person says that the provider has the e-invoice, and may be wrong."""
        self.act(life, "settle-doubt", {"taken": True, "reason": "guessed"}, other={404})

    @rule(life=lives, way=st.sampled_from([Way.MAPPED, Way.PLAIN, Way.UNASKED]))
    def send_another_way(self, life: Life, way: Way) -> None:
        """Send it through another account of the seller."""
        answer = self.act(life, "send", {"provider_account_id": life.seller.accounts[way]})
        if answer.status_code == 202:
            life.way = way

    @rule(life=lives, enabled=st.booleans())
    def switch_the_account(self, life: Life, enabled: bool) -> None:
        """While it is disabled, what is queued waits for its seller."""
        self.world.switch(life, enabled)

    @rule(life=lives, action=st.sampled_from(["cancel", "correct", "send_another_way", "decide"]))
    def go_on_while_it_waits(self, life: Life, action: str) -> None:
        """A seller takes a way out of a sending that waits, while a worker could claim it again."""
        self.act(life, "send")
        self.world.switch(life, False)
        out = {"send_another_way": lambda: self.send_another_way(life, Way.PLAIN)}
        way_out = out.get(action, lambda: getattr(self, action)(life))
        self.world.together([way_out, lambda: self.world.switch(life, True), outbox.send_due])

    @rule(workers=st.integers(1, _PARALLEL))
    def work(self, workers: int) -> None:
        self.world.together([outbox.send_due] * workers)

    @rule()
    def lose_a_worker(self) -> None:
        """A worker is killed after the provider has answered, before the hub has stored the answer."""

        def die(*_args: Any, **_facts: Any) -> None:
            raise SystemExit

        # Its requests end with the step: a killed worker sends nothing later.
        with ThreadPoolExecutor(_PARALLEL) as pool, pytest.MonkeyPatch.context() as patch:
            patch.setattr(outbox, "pool", lambda _process: pool)
            for name in ("finish", "fail"):
                patch.setattr(work_queue, name, die)
            with self.world.app.app_context():
                try:
                    outbox.send_due()
                except SystemExit:
                    db.session.rollback()

    @rule(workers=st.integers(1, _PARALLEL))
    def sweep(self, workers: int) -> None:
        self.world.together([look_ups.look_up_due] * workers)

    @rule(seconds=st.sampled_from([31, 61, 121, LONG]), works=st.booleans())
    def wait(self, seconds: float, works: bool) -> None:
        self.world.clock.pass_time(seconds)
        if works:
            self.work(2)

    @rule(percent=st.sampled_from([0, 0, 50, 100]))
    def break_look_ups(self, percent: int) -> None:
        self.world.store.set_setting("look_up_failures", percent)

    @rule(mood=st.sampled_from(MOODS))
    def change_the_mood_of_the_provider(self, mood: str) -> None:
        self.world.store.set_setting("default", mood)

    @rule(newest_first=st.booleans(), lost=st.integers(0, 2))
    def report(self, newest_first: bool, lost: int) -> None:
        """The provider sends its due reports; the answers to some are lost, so that it repeats these."""
        self.world.store.newest_first, self.world.line.lost = newest_first, lost
        self.world.reports.send_due()
        self.world.line.lost = 0
        if lost:
            self.world.clock.pass_time(REPORT_PAUSE + 1)
            self.world.reports.send_due()

    @rule(life=lives, words=st.lists(st.sampled_from(["accepted", "rejected", "processing"]), min_size=1, max_size=2))
    def change_the_mind_of_the_provider(self, life: Life, words: list[str]) -> None:
        """Other words about an e-invoice, whose reports are still to come."""
        for word in words:
            self.say(life, word)

    @rule(life=lives, action=st.sampled_from(["cancel", "correct"]))
    def give_up_in_doubt(self, life: Life, action: str) -> None:
        """The look-ups fail until the last attempt is over, and a user wants to go on."""
        self.break_look_ups(100)
        for _ in range(len(work_queue.DELAYS) + 1):
            self.world.clock.pass_time(LONG)
            self.work(1)
        getattr(self, action)(life)

    @rule(life=lives)
    def send_again_what_was_rejected(self, life: Life) -> None:
        """The provider knows the e-invoice by the key of the first sending."""
        self.break_look_ups(0)
        self.world.clock.pass_time(LONG)
        self.work(2)
        self.report(newest_first=False, lost=0)
        if self.world.shown(life)["status"] == "rejected":
            self.act(life, "send")
            self.work(1)

    @rule(life=lives, action=st.sampled_from(["correct", "cancel", "send"]))
    def take_a_rejection_back(self, life: Life, action: str) -> None:
        """The provider accepts what it had rejected, and a user goes on as if it were rejected."""
        if self.world.shown(life)["status"] == "rejected":
            self.say(life, "accepted")
            {"correct": self.correct, "cancel": self.cancel}.get(action, lambda one: self.act(one, "send"))(life)

    @rule(life=lives, which=st.integers(0, 5))
    def tell_late_or_again(self, life: Life, which: int) -> None:
        """Without an account, the provider calls the API."""
        if life.words:
            self.tell(life, which % len(life.words))

    @rule(
        life=lives,
        actions=st.lists(
            st.sampled_from(["send", "cancel", "work", "sweep", "correct", "report", "credit", "take over"]),
            min_size=2,
            max_size=3,
        ),
    )
    def act_at_the_same_time(self, life: Life, actions: list[str]) -> None:
        known: dict[str, Callable[[], Any]] = {
            "send": lambda: self.act(life, "send"),
            "cancel": lambda: self.act(life, "cancel", {"reason": "x"}),
            "correct": lambda: self.derive(life, "corrections", {}),
            "credit": lambda: self.derive(life, "credit-notes", {"reason": "x"}, by=self.world.colleague),
            "take over": lambda: self.act(life, "cancel", {"reason": "x"}, by=self.world.colleague),
            "work": outbox.send_due,
            "sweep": look_ups.look_up_due,
            "report": self.world.reports.send_due,
        }
        self.world.together([known[action] for action in actions])

    def make_draft(self, number: int, way: Way, behaviour: str) -> Life:
        seller = self.world.sellers[number]
        metadata = {"simulate": behaviour} if behaviour else {}
        answer = seller.client.post(URL, json=a_draft(**seller.provider(way), metadata=metadata))
        assert answer.status_code == 201, answer.json
        life = Life(seller, way, answer.json["id"], root=answer.json["id"])
        self.all.append(life)
        return life

    def act(
        self, life: Life, action: str, body: Any = None, other: Set[int] = frozenset(), by: FlaskClient | None = None
    ) -> Any:
        """Let the seller, or ``by``, perform an action, which may be refused; nothing else may happen."""
        was_taken = action == "send" and bool(self.world.documents(life))
        answer = (by or life.seller.client).post(f"{URL}/{life.id}/{action}", json=body)
        assert answer.status_code in _DONE | _REFUSED | other, (action, answer.json)
        if was_taken and answer.status_code == 202:
            life.repeats += 1
        return answer

    def derive(self, life: Life, action: str, body: Any, by: FlaskClient | None = None) -> Any:
        answer = self.act(life, action, body, other={422}, by=by)
        if answer.status_code != 201:
            return multiple()
        root = life.root if action == "corrections" else answer.json["id"]
        derived = Life(life.seller, life.way, answer.json["id"], root)
        self.all.append(derived)
        # A correction through the simulator behaves as the provider is disposed to.
        assert life.seller.client.patch(f"{URL}/{derived.id}", json={"metadata": {}}).status_code == 200
        self.act(derived, "issue", by=by)
        return derived

    def say(self, life: Life, word: str) -> None:
        """The provider changes its word, as far as it can be expected to.

        It says nothing more about what was corrected, cancelled or sent another way because it was rejected. It takes a
        rejection back only to accept, and the hub hears of this at once: otherwise a sale would be in force twice, and
        no hub could prevent it.
        """
        document, shown = self.world.document(life), self.world.shown(life)
        is_replaced = shown["corrected_by_id"] or shown["status"] == "cancelled" or len(self.world.documents(life)) > 1
        if document is None or is_replaced or document.behaviour == "late":
            return
        if document.word == "rejected" and word == "processing":
            return
        self.world.store.report_now(document.id, word)
        if life.way == Way.INSTALLATION:
            life.words.append((word, clock.now()))
        if document.word == "rejected":
            self.hear(life)

    def hear(self, life: Life) -> None:
        """All that the provider has said about an e-invoice arrives."""
        if life.way == Way.INSTALLATION:
            self.tell(life, -1)
        else:
            self.report(newest_first=False, lost=0)

    def tell(self, life: Life, which: int) -> None:
        word, moment = life.words[which]
        self.act(life, "provider-status", {"provider_status": word, "occurred_at": moment.isoformat()})

    def come_to_rest(self) -> None:
        """A long time passes in which the provider reports, and workers send and look up."""
        self.world.clock.pass_time(LONG)
        self.world.reports.send_due()
        self.world.together([outbox.send_due, look_ups.look_up_due])

    def teardown(self) -> None:
        """Let everything come to its end: look-ups work, all delays pass, and every report arrives."""
        if not hasattr(self, "all"):
            return
        self.world.store.set_setting("look_up_failures", 0)
        self.world.enable_all()
        for _ in range(2 * len(work_queue.DELAYS) + 2):
            self.come_to_rest()
            if self.world.open_sendings() == 0:
                break
        self.world.clock.pass_time(decision_checks.LONGEST_CHECK.total_seconds())
        self.come_to_rest()
        while self.world.reports.send_due():  # some have got no answer yet
            self.world.clock.pass_time(REPORT_PAUSE + 1)
        for life in self.all:
            if life.words:
                self.tell(life, -1)
        ends.check(self.world, self.all)
