"""Sendings in doubt: what sets the doubt, what the hub does before it sends again, and what settles it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts.models.accounts import AuditEntry
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers import doubt, look_ups, outbox, resend
from app.einvoices.providers.clients import ADAPTERS
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from tests.einvoices.helpers import (
    URL,
    create_issued,
    events_of,
    fetch_detail,
    list_page,
    page_ids,
    perform,
    set_adapter,
    stored_sendings,
)
from tests.einvoices.providers.provider_server import ANSWER, CUT, DROP, StoringProvider

pytestmark = pytest.mark.slow  # whole lives of documents at a provider, with many requests each

Pass = Callable[[float], None]
#: Seconds after which each further attempt is due, and a little more.
DELAYS = [delay.total_seconds() + 1 for delay in work_queue.DELAYS]


def send(owner: FlaskClient, provider: str = "http", **facts: Any) -> int:
    """Send a new e-invoice once; returns its id."""
    einvoice_id: int = create_issued(owner, provider=provider, **facts)["id"]
    perform(owner, einvoice_id, "send")
    outbox.send_due()
    return einvoice_id


@pytest.fixture
def doubtful(owner: FlaskClient, store: StoringProvider, pass_time: Pass, app: Hub) -> int:
    """The id of an e-invoice whose sending was given up in doubt; the provider does not have it, and answers again."""
    store.decide = lambda: DROP
    lookup_url, app.config["EINVOICE_PROVIDER_LOOKUP_URL"] = app.config["EINVOICE_PROVIDER_LOOKUP_URL"], ""
    einvoice_id = send(owner)
    for delay in DELAYS:
        pass_time(delay)
        outbox.send_due()
    store.decide = lambda: ANSWER
    app.config["EINVOICE_PROVIDER_LOOKUP_URL"] = lookup_url
    return einvoice_id


def shown(owner: FlaskClient, einvoice_id: int) -> tuple[str, str]:
    detail = fetch_detail(owner, einvoice_id)
    return detail["status"], detail["provider_status"]


def refusal(owner: FlaskClient, einvoice_id: int, action: str, body: Any = None) -> tuple[int, str]:
    answer = owner.post(f"{URL}/{einvoice_id}/{action}", json=body)
    return answer.status_code, answer.json.get("error")


def change_sending(**values: Any) -> None:
    with db.engine.begin() as connection:
        connection.execute(EinvoiceSending.__table__.update().values(**values))


class TestNextAttempt:
    def test_what_the_provider_has_is_not_sent_again(
        self, owner: FlaskClient, store: StoringProvider, pass_time: Pass
    ) -> None:
        store.decide = lambda: CUT
        einvoice_id = send(owner)
        assert (stored_sendings()[0].state, stored_sendings()[0].in_doubt) == ("pending", True)
        pass_time(DELAYS[0])
        outbox.send_due()
        assert (sum(store.received.values()), sum(store.looked_up.values())) == (1, 1)
        assert shown(owner, einvoice_id) == ("accepted", "accepted")
        [row] = stored_sendings()
        assert (row.state, row.in_doubt) == ("done", False)
        detail = fetch_detail(owner, einvoice_id)
        assert detail["provider_invoice_id"] == f"P-{row.key}"
        [sent] = [event["payload"] for event in detail["events"] if event["type"] == "sent"]
        assert sent["looked_up"] is True

    def test_what_the_provider_lacks_is_sent_under_the_same_key(
        self, owner: FlaskClient, store: StoringProvider, pass_time: Pass
    ) -> None:
        store.decide = lambda: DROP
        einvoice_id = send(owner)
        store.decide = lambda: ANSWER
        pass_time(DELAYS[0])
        outbox.send_due()
        [key] = store.received
        assert (store.received[key], store.looked_up[key]) == (2, 1)
        assert shown(owner, einvoice_id) == ("accepted", "accepted")

    @pytest.mark.parametrize("code", [204, 302, 410, 429, 500])
    def test_without_a_clear_answer_nothing_is_sent(
        self, owner: FlaskClient, store: StoringProvider, pass_time: Pass, code: int
    ) -> None:
        store.decide, store.lookup_code = lambda: CUT, code
        einvoice_id = send(owner)
        for delay in DELAYS:
            pass_time(delay)
            outbox.send_due()
        assert (sum(store.received.values()), sum(store.looked_up.values())) == (1, 4)
        assert shown(owner, einvoice_id) == ("issued", "in_doubt")

    def test_a_provider_without_a_look_up_gets_the_same_key(
        self, app: Hub, owner: FlaskClient, store: StoringProvider, pass_time: Pass, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_LOOKUP_URL", "")
        store.decide = lambda: CUT
        einvoice_id = send(owner)
        store.decide = lambda: ANSWER
        pass_time(DELAYS[0])
        outbox.send_due()
        [key] = store.received
        assert (store.received[key], sum(store.looked_up.values())) == (2, 0)
        assert shown(owner, einvoice_id)[0] == "accepted"

    def test_a_refusal_leaves_an_earlier_doubt(
        self, app: Hub, owner: FlaskClient, store: StoringProvider, pass_time: Pass, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_LOOKUP_URL", "")
        store.decide = lambda: CUT
        einvoice_id = send(owner)
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", "")
        pass_time(DELAYS[0])
        outbox.send_due()
        assert (stored_sendings()[0].state, stored_sendings()[0].in_doubt) == ("failed", True)
        assert shown(owner, einvoice_id) == ("issued", "in_doubt")

    def test_the_doubt_is_stored_before_the_request(self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = []

        def die(_request: Any) -> Any:
            seen.append(stored_sendings()[0].in_doubt)
            raise SystemExit

        set_adapter(monkeypatch, "null", send=die)
        with pytest.raises(SystemExit):
            send(owner, "null")
        assert (seen, stored_sendings()[0].in_doubt) == ([True], True)

    def test_the_simulator_finds_a_lost_answer(self, owner: FlaskClient, pass_time: Pass) -> None:
        einvoice_id = send(owner, "simulator", metadata={"simulate": "lost"})
        pass_time(DELAYS[0])
        outbox.send_due()
        outbox.apply_due_callbacks()
        assert shown(owner, einvoice_id) == ("sent", "accepted")

    def test_a_sale_that_was_refunded_meanwhile_keeps_the_response(self, owner: FlaskClient) -> None:
        sale = create_issued(owner, provider="null")
        perform(owner, sale["id"], "send")
        note = perform(owner, sale["id"], "credit-notes", {"reason": "torn"})
        perform(owner, note["id"], "issue")
        outbox.send_due()
        detail = fetch_detail(owner, sale["id"])
        assert (detail["status"], detail["provider_invoice_id"]) == ("refunded", f"NULL-{sale['id']}")
        perform(owner, note["id"], "cancel", {"reason": "x"})
        assert shown(owner, sale["id"]) == ("accepted", "accepted")


class TestGivenUp:
    def test_it_is_shown(self, owner: FlaskClient, doubtful: int) -> None:
        assert shown(owner, doubtful) == ("issued", "in_doubt")
        assert events_of(doubtful)[-1]["einvoice"]["provider_status"] == "in_doubt"
        assert fetch_detail(owner, doubtful)["events"][-1]["type"] == "in_doubt"

    def test_the_list_finds_it(self, owner: FlaskClient, doubtful: int) -> None:
        other = create_issued(owner)["id"]
        for asked, found in (("true", [doubtful]), ("false", [other]), (None, [other, doubtful])):
            for since in (None, "2026-01-01T00:00:00Z"):
                query = {"in_doubt": asked, "updated_since": since}
                page = list_page(owner, **{name: value for name, value in query.items() if value})
                assert (sorted(page_ids(page)), page["meta"]["total"]) == (sorted(found), len(found))
        perform(owner, doubtful, "settle-doubt", {"taken": True, "reason": "x"})
        assert page_ids(list_page(owner, in_doubt="true")) == []

    def test_it_is_neither_cancelled_nor_corrected(self, owner: FlaskClient, doubtful: int) -> None:
        assert refusal(owner, doubtful, "cancel", {"reason": "x"}) == (409, "IN_DOUBT")
        assert refusal(owner, doubtful, "corrections", {}) == (409, "IN_DOUBT")
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE e_invoices SET status = 'rejected'"))
        assert refusal(owner, doubtful, "corrections", {}) == (409, "IN_DOUBT")
        assert refusal(owner, doubtful, "cancel", {"reason": "x"}) == (409, "IN_DOUBT")

    def test_sending_again_continues_the_same_sending(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider
    ) -> None:
        [before] = stored_sendings()
        store.stored[str(before.key)] = fetch_detail(owner, doubtful)["invoice_no"]
        posted = sum(store.received.values())
        assert perform(owner, doubtful, "send")["provider_status"] == "queued"
        assert refusal(owner, doubtful, "settle-doubt", {"taken": True, "reason": "x"}) == (409, "ALREADY_SENDING")
        outbox.send_due()
        [after] = stored_sendings()
        assert (after.id, after.key, after.state) == (before.id, before.key, "done")
        assert (sum(store.received.values()), sum(store.looked_up.values())) == (posted, 1)
        assert shown(owner, doubtful) == ("accepted", "accepted")

    def test_the_operator_retries_it_with_the_look_up_first(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider
    ) -> None:
        with unit_of_work():
            assert resend.resend_given_up(actor="test") == 1
        outbox.send_due()
        [key] = store.received
        assert (store.looked_up[key], shown(owner, doubtful)) == (1, ("accepted", "accepted"))

    def test_a_sales_invoice_keeps_its_rejected_einvoice(self, owner: FlaskClient, doubtful: int) -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE e_invoices SET status = 'rejected', sales_invoice_no = 'S-1'"))
        answer = owner.post(f"{URL}/from-sales", json={"invoice_no": "S-1"})
        assert (answer.status_code, answer.json["id"]) == (200, doubtful)


class TestSweep:
    def test_what_is_found_is_recorded(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        store.stored[str(stored_sendings()[0].key)] = fetch_detail(owner, doubtful)["invoice_no"]
        store.provider_status = "rejected"
        pass_time(61)
        look_ups.look_up_due()
        assert shown(owner, doubtful) == ("rejected", "rejected")
        assert perform(owner, doubtful, "corrections", {})["corrects_id"] == doubtful

    def test_what_is_not_found_has_failed(self, owner: FlaskClient, doubtful: int, pass_time: Pass) -> None:
        pass_time(61)
        look_ups.look_up_due()
        assert shown(owner, doubtful) == ("issued", "failed")
        event = fetch_detail(owner, doubtful)["events"][-1]
        assert (event["type"], event["payload"]["taken"]) == ("doubt_settled", False)
        assert events_of(doubtful)[-1]["einvoice"]["provider_status"] == "failed"
        assert perform(owner, doubtful, "cancel", {"reason": "x"})["status"] == "cancelled"

    def test_it_waits_until_the_provider_must_have_stored_it(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider
    ) -> None:
        look_ups.look_up_due()
        assert (sum(store.looked_up.values()), shown(owner, doubtful)[1]) == (0, "in_doubt")

    def test_a_provider_in_trouble_is_asked_less_and_less(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        store.lookup_code = 500
        asked = []
        for _ in range(100):
            pass_time(60)
            look_ups.look_up_due()
            asked.append(sum(store.looked_up.values()))
        assert asked[0] == 1
        assert asked[-1] < 12
        assert shown(owner, doubtful) == ("issued", "in_doubt")

    def test_a_look_up_that_a_wrong_clock_dated_is_due(self, owner: FlaskClient, doubtful: int) -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE e_invoice_sendings SET due_at = due_at + interval '5 hours'"))
        look_ups.look_up_due()
        assert shown(owner, doubtful) == ("issued", "failed")

    def test_a_provider_without_a_look_up_is_not_asked(
        self, app: Hub, owner: FlaskClient, doubtful: int, store: StoringProvider, pass_time: Pass
    ) -> None:
        app.config["EINVOICE_PROVIDER_LOOKUP_URL"] = ""
        pass_time(61)
        look_ups.look_up_due()
        assert (sum(store.looked_up.values()), shown(owner, doubtful)[1]) == (0, "in_doubt")

    def test_a_sending_whose_workers_were_all_lost_is_shown(
        self, app: Hub, owner: FlaskClient, store: StoringProvider, pass_time: Pass
    ) -> None:
        einvoice_id = create_issued(owner, provider="http")["id"]
        perform(owner, einvoice_id, "send")
        change_sending(attempts=5, in_doubt=True)
        outbox.send_due()
        app.config["EINVOICE_PROVIDER_LOOKUP_URL"] = ""
        look_ups.look_up_due()
        assert shown(owner, einvoice_id) == ("issued", "in_doubt")

    def test_a_decision_during_the_look_up_stays(
        self, owner: FlaskClient, doubtful: int, pass_time: Pass, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def decide_first(*_args: Any) -> None:
            perform(owner, doubtful, "settle-doubt", {"taken": True, "reason": "seen"})

        monkeypatch.setattr(doubt, "look_up", decide_first)
        pass_time(61)
        look_ups.look_up_due()
        assert shown(owner, doubtful) == ("sent", "taken")
        assert stored_sendings()[0].state == "done"


class TestReport:
    def test_a_report_says_that_the_provider_has_it(self, owner: FlaskClient, doubtful: int) -> None:
        report = {"provider_status": "in progress", "provider_invoice_id": "P-9"}
        perform(owner, doubtful, "provider-status", report)
        assert shown(owner, doubtful) == ("sent", "in progress")
        types = [event["type"] for event in events_of(doubtful)]
        assert types[-2:] == ["einvoice.sent", "einvoice.status_changed"]
        [row] = stored_sendings()
        assert (row.state, row.in_doubt) == ("done", False)

    def test_a_report_before_the_next_attempt_ends_the_sending(
        self, owner: FlaskClient, store: StoringProvider, pass_time: Pass
    ) -> None:
        store.decide = lambda: CUT
        einvoice_id = send(owner)
        perform(owner, einvoice_id, "provider-status", {"provider_status": "accepted"})
        assert shown(owner, einvoice_id) == ("sent", "accepted")
        pass_time(DELAYS[0])
        outbox.send_due()
        assert (sum(store.received.values()), sum(store.looked_up.values())) == (1, 0)

    def test_a_report_during_a_request_without_an_answer_counts(
        self, owner: FlaskClient, store: StoringProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = ADAPTERS["http"].send

        def report_first(request: Any) -> Any:
            perform(owner, request.document["id"], "provider-status", {"provider_status": "accepted"})
            return real(request)

        store.decide = lambda: CUT
        set_adapter(monkeypatch, "http", send=report_first)
        einvoice_id = send(owner)
        assert shown(owner, einvoice_id) == ("sent", "accepted")
        assert stored_sendings()[0].state == "done"

    def test_a_late_report_settles_nothing(self, owner: FlaskClient, doubtful: int) -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE e_invoices SET provider_status_at = now()"))
        late = {"provider_status": "rejected", "occurred_at": "2026-01-01T00:00:00Z"}
        perform(owner, doubtful, "provider-status", late)
        assert shown(owner, doubtful) == ("issued", "in_doubt")


class TestDecision:
    @pytest.mark.parametrize(
        ("taken", "expected"), [(True, ("sent", "taken", "done")), (False, ("issued", "failed", "failed"))]
    )
    def test_a_person_decides(
        self, owner: FlaskClient, doubtful: int, taken: bool, expected: tuple[str, str, str]
    ) -> None:
        body = {"taken": taken, "reason": "Searched in the portal"}
        answer = perform(owner, doubtful, "settle-doubt", body)
        [row] = stored_sendings()
        assert (answer["status"], answer["provider_status"], row.state) == expected
        assert not row.in_doubt
        payload = fetch_detail(owner, doubtful)["events"][-1]["payload"]
        assert (payload["taken"], payload["reason"]) == (taken, "Searched in the portal")
        with db.engine.connect() as connection:
            audited = select(AuditEntry.actor, AuditEntry.subject, AuditEntry.details)
            found = connection.execute(audited.where(AuditEntry.action == "einvoice.doubt_settled")).all()
        [(actor, subject, details)] = found
        assert actor == f"user:{owner.user_id}"
        assert (subject, details) == (f"einvoice:{doubtful}", {"taken": taken, "reason": "Searched in the portal"})
        assert refusal(owner, doubtful, "settle-doubt", body) == (409, "NOT_IN_DOUBT")

    def test_after_a_decision_it_is_sent_under_the_same_key(
        self, owner: FlaskClient, doubtful: int, store: StoringProvider
    ) -> None:
        perform(owner, doubtful, "settle-doubt", {"taken": False, "reason": "x"})
        perform(owner, doubtful, "send")
        outbox.send_due()
        assert (len(store.received), shown(owner, doubtful)) == (1, ("accepted", "accepted"))

    @pytest.mark.parametrize(
        "body", [{}, {"taken": True}, {"taken": True, "reason": " "}, {"reason": "x"}, {"taken": "no", "reason": "x"},
                 {"taken": None, "reason": "x"}, {"taken": 1, "reason": "x"}]
    )  # fmt: skip
    def test_a_decision_needs_a_choice_and_a_reason(self, owner: FlaskClient, doubtful: int, body: Any) -> None:
        assert owner.post(f"{URL}/{doubtful}/settle-doubt", json=body).status_code == 422
        assert shown(owner, doubtful) == ("issued", "in_doubt")

    def test_what_is_not_in_doubt_is_not_settled(self, owner: FlaskClient) -> None:
        einvoice_id = send(owner, "null")
        body = {"taken": True, "reason": "x"}
        assert refusal(owner, einvoice_id, "settle-doubt", body) == (409, "NOT_IN_DOUBT")
        assert refusal(owner, 10**6, "settle-doubt", body)[0] == 404
