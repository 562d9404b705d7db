"""After a person settled a doubt, the hub asks the provider for its word, and tells people what contradicts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts.models.accounts import AuditEntry
from app.einvoices.decisions import decision_checks
from app.einvoices.providers import look_ups, outbox
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.worker import work_queue
from tests.einvoices.helpers import (
    URL,
    create_issued,
    events_of,
    fetch_detail,
    list_page,
    page_ids,
    perform,
    stored_sendings,
)
from tests.einvoices.providers.conftest import pass_time, store
from tests.einvoices.providers.provider_server import DROP, StoringProvider

pytestmark = pytest.mark.slow  # whole lives of documents at a provider, with many requests each

__all__ = ["pass_time", "store"]
Pass = Callable[[float], None]
WEEK = decision_checks.LONGEST_CHECK.total_seconds()


@pytest.fixture
def doubtful(owner: FlaskClient, store: StoringProvider, pass_time: Pass, app: Hub) -> int:
    """The id of an e-invoice whose sending was given up in doubt; the provider does not have it."""
    store.decide = lambda: DROP
    lookup_url, app.config["EINVOICE_PROVIDER_LOOKUP_URL"] = app.config["EINVOICE_PROVIDER_LOOKUP_URL"], ""
    einvoice_id: int = create_issued(owner, provider="http")["id"]
    perform(owner, einvoice_id, "send")
    outbox.send_due()
    for delay in work_queue.DELAYS:
        pass_time(delay.total_seconds() + 1)
        outbox.send_due()
    app.config["EINVOICE_PROVIDER_LOOKUP_URL"] = lookup_url
    return einvoice_id


def decide(owner: FlaskClient, einvoice_id: int, *, taken: bool) -> Any:
    return owner.post(f"{URL}/{einvoice_id}/settle-doubt", json={"taken": taken, "reason": "asked"})


def shown(owner: FlaskClient, einvoice_id: int) -> tuple[str, str]:
    detail = fetch_detail(owner, einvoice_id)
    return detail["status"], detail["provider_status"]


def keep(owner: FlaskClient, store: StoringProvider, einvoice_id: int) -> None:
    """The provider has the e-invoice."""
    store.stored[str(stored_sendings()[0].key)] = fetch_detail(owner, einvoice_id)["invoice_no"]


def ask(pass_time: Pass, seconds: float = 61) -> None:
    pass_time(seconds)
    look_ups.look_up_due()


def listed(owner: FlaskClient, problem: str) -> list[int]:
    return page_ids(list_page(owner, attention=problem))


def last_entry(owner: FlaskClient, einvoice_id: int) -> tuple[str, dict[str, Any]]:
    entry = fetch_detail(owner, einvoice_id)["events"][-1]
    return entry["type"], entry["payload"]


class TestTaken:
    @pytest.fixture(autouse=True)
    def _decided(self, owner: FlaskClient, doubtful: int) -> None:
        assert decide(owner, doubtful, taken=True).status_code == 200

    @pytest.mark.parametrize("word", ["accepted", "rejected"])
    def test_the_word_of_the_provider_is_learnt(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass, word: str
    ) -> None:
        keep(owner, store, doubtful)
        store.provider_status = word
        ask(pass_time)
        assert shown(owner, doubtful) == (word, word)
        assert last_entry(owner, doubtful)[0] == "status_changed"
        assert [event["type"] for event in events_of(doubtful)].count("einvoice.sent") == 1
        asked = sum(store.looked_up.values())
        ask(pass_time, 3700)
        assert sum(store.looked_up.values()) == asked
        assert sum(store.received.values()) == len(work_queue.DELAYS) + 1  # nothing was sent again

    def test_also_after_it_was_credited(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        note = perform(owner, doubtful, "credit-notes", {"reason": "torn"})
        perform(owner, note["id"], "issue")
        keep(owner, store, doubtful)
        ask(pass_time)
        assert shown(owner, doubtful) == ("refunded", "accepted")
        perform(owner, note["id"], "cancel", {"reason": "x"})
        assert shown(owner, doubtful) == ("accepted", "accepted")

    def test_a_report_ends_the_check(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        perform(owner, doubtful, "provider-status", {"provider_status": "accepted"})
        ask(pass_time)
        assert (sum(store.looked_up.values()), listed(owner, "contradicted")) == (0, [])
        assert shown(owner, doubtful) == ("sent", "accepted")

    def test_a_provider_that_does_not_know_it_is_told_to_people(
        self, owner: FlaskClient, doubtful: int, pass_time: Pass, app: Hub
    ) -> None:
        ask(pass_time)
        assert shown(owner, doubtful) == ("sent", "taken")  # not changed in silence
        assert listed(owner, "contradicted") == [doubtful]
        kind, facts = last_entry(owner, doubtful)
        assert (kind, facts["reason"], facts["taken"]) == ("decision_contradicted", decision_checks.NOT_THERE, True)
        event = events_of(doubtful)[-1]
        assert event["type"] == "einvoice.needs_attention"
        assert event["attention"] == {"problem": "contradicted", "reason": decision_checks.NOT_THERE}
        actions = select(AuditEntry.action).where(AuditEntry.subject == f"einvoice:{doubtful}")
        assert "einvoice.decision_contradicted" in db.session.scalars(actions).all()

    def test_a_person_decides_again(self, owner: FlaskClient, doubtful: int, pass_time: Pass) -> None:
        ask(pass_time)
        assert owner.post(f"{URL}/{doubtful}/cancel", json={"reason": "x"}).status_code == 409
        assert decide(owner, doubtful, taken=False).status_code == 200
        assert (shown(owner, doubtful), listed(owner, "contradicted")) == (("issued", "failed"), [])
        assert perform(owner, doubtful, "cancel", {"reason": "x"})["status"] == "cancelled"

    def test_a_person_insists(self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass) -> None:
        ask(pass_time)
        assert decide(owner, doubtful, taken=True).status_code == 200
        asked = sum(store.looked_up.values())
        ask(pass_time, 3700)
        assert (shown(owner, doubtful), listed(owner, "contradicted")) == (("sent", "taken"), [])
        assert sum(store.looked_up.values()) == asked
        assert decide(owner, doubtful, taken=False).status_code == 409

    def test_a_report_ends_the_dispute(self, owner: FlaskClient, doubtful: int, pass_time: Pass) -> None:
        ask(pass_time)
        perform(owner, doubtful, "provider-status", {"provider_status": "accepted"})
        assert (shown(owner, doubtful), listed(owner, "contradicted")) == (("sent", "accepted"), [])

    def test_a_provider_in_trouble_is_asked_less_and_less_until_the_end(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        store.lookup_code = 500
        for _ in range(60):
            ask(pass_time)
        assert 3 < sum(store.looked_up.values()) < 10
        assert listed(owner, "unconfirmed") == []
        ask(pass_time, WEEK)
        assert listed(owner, "unconfirmed") == [doubtful]
        assert shown(owner, doubtful) == ("sent", "taken")
        kind, facts = last_entry(owner, doubtful)
        assert (kind, facts["reason"]) == ("decision_unconfirmed", decision_checks.NO_WORD)
        assert "500" in facts["error"]
        asked = sum(store.looked_up.values())
        ask(pass_time, 3700)
        assert sum(store.looked_up.values()) == asked
        keep(owner, store, doubtful)
        store.lookup_code = None
        assert decide(owner, doubtful, taken=True).status_code == 200  # and the check begins again
        ask(pass_time)
        assert (shown(owner, doubtful), listed(owner, "unconfirmed")) == (("accepted", "accepted"), [])

    def test_a_provider_without_a_look_up_is_told_at_the_end(
        self, app: Hub, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        app.config["EINVOICE_PROVIDER_LOOKUP_URL"] = ""
        ask(pass_time)
        assert listed(owner, "unconfirmed") == []
        ask(pass_time, WEEK)
        assert (listed(owner, "unconfirmed"), sum(store.looked_up.values())) == ([doubtful], 0)
        assert events_of(doubtful)[-1]["attention"]["problem"] == "unconfirmed"

    def test_not_found_says_nothing_about_a_number_under_another_key(
        self, owner: FlaskClient, doubtful: int, pass_time: Pass
    ) -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE e_invoice_sendings SET number_taken = true"))
        ask(pass_time)
        assert listed(owner, "contradicted") == []


class TestNotTaken:
    @pytest.fixture(autouse=True)
    def _decided(self, owner: FlaskClient, doubtful: int) -> None:
        assert decide(owner, doubtful, taken=False).status_code == 200

    def test_it_is_confirmed(self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass) -> None:
        ask(pass_time)
        assert (shown(owner, doubtful), last_entry(owner, doubtful)[0]) == (("issued", "failed"), "decision_confirmed")
        ask(pass_time, 3700)
        assert sum(store.looked_up.values()) == 1

    def test_what_the_provider_has_is_learnt_and_told(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        keep(owner, store, doubtful)
        ask(pass_time)
        assert shown(owner, doubtful) == ("accepted", "accepted")
        assert listed(owner, "contradicted") == [doubtful]
        assert events_of(doubtful)[-1]["attention"]["reason"] == decision_checks.THERE
        assert decide(owner, doubtful, taken=False).status_code == 422
        assert decide(owner, doubtful, taken=True).status_code == 200
        assert (shown(owner, doubtful), listed(owner, "contradicted")) == (("accepted", "accepted"), [])

    def test_a_cancelled_one_stays_cancelled_and_is_told(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        perform(owner, doubtful, "cancel", {"reason": "x"})
        keep(owner, store, doubtful)
        ask(pass_time)
        assert shown(owner, doubtful) == ("cancelled", "accepted")
        assert listed(owner, "contradicted") == [doubtful]
        assert decide(owner, doubtful, taken=True).json["status"] == "cancelled"
        assert listed(owner, "contradicted") == []

    def test_a_report_is_told_too(self, owner: FlaskClient, doubtful: int) -> None:
        perform(owner, doubtful, "provider-status", {"provider_status": "accepted"})
        assert shown(owner, doubtful) == ("sent", "accepted")
        assert listed(owner, "contradicted") == [doubtful]

    def test_sending_it_again_ends_the_check(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        store.decide = lambda: "answer"
        perform(owner, doubtful, "send")
        outbox.send_due()
        ask(pass_time)
        assert (shown(owner, doubtful), sum(store.looked_up.values())) == (("accepted", "accepted"), 0)
        assert listed(owner, "contradicted") == []
