"""Sending to providers: responses, callbacks, retries and lost workers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.providers import outbox
from app.einvoices.providers.clients import ADAPTERS
from app.extensions import db
from app.kernel import clock
from app.kernel.worker import work_queue
from tests.einvoices.helpers import (
    SAMPLE,
    URL,
    create_issued,
    events_of,
    fetch_detail,
    perform,
    reports_of,
    set_adapter,
    stored_sendings,
)


class TestSending:
    def test_the_null_provider_accepts_everything(self, owner: FlaskClient) -> None:
        einvoice = create_issued(owner, provider="null")
        assert perform(owner, einvoice["id"], "send")["provider_status"] == "queued"
        assert owner.post(f"{URL}/{einvoice['id']}/send").json["error"] == "ALREADY_SENDING"
        assert owner.post(f"{URL}/{einvoice['id']}/cancel", json={"reason": "x"}).json["error"] == "ALREADY_SENDING"
        outbox.send_due()
        shown = fetch_detail(owner, einvoice["id"])
        assert (shown["status"], shown["provider_invoice_id"]) == ("accepted", f"NULL-{einvoice['id']}")
        types = [event["type"] for event in events_of(einvoice["id"])]
        assert types[-2:] == ["einvoice.sent", "einvoice.status_changed"]
        assert owner.post(f"{URL}/{einvoice['id']}/send").json["error"] == "WRONG_STATE"

    @pytest.mark.parametrize(
        ("mode", "status", "reports"),
        [
            ("accept", "accepted", ["accepted"]),
            ("reject", "rejected", ["rejected"]),
            ("duplicate", "accepted", ["accepted", "accepted"]),
            ("out_of_order", "accepted", ["accepted", "processing"]),
            ("late", "received", []),
        ],
    )
    def test_the_simulator_sends_its_callbacks(
        self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, mode: str, status: str, reports: list[str]
    ) -> None:
        einvoice = create_issued(owner, provider="simulator", metadata={"simulate": mode})
        perform(owner, einvoice["id"], "send")
        outbox.send_due()
        soon = clock.now() + timedelta(seconds=5)
        monkeypatch.setattr(clock, "now", lambda: soon)
        outbox.apply_due_callbacks()
        shown = fetch_detail(owner, einvoice["id"])
        assert (shown["status"], shown["provider_status"]) == ("sent", status)
        assert [payload["provider_status"] for payload in reports_of(shown)] == reports

    def test_a_permanent_rejection_fails_at_once_and_can_be_resent(self, owner: FlaskClient) -> None:
        einvoice = create_issued(owner, provider="simulator", metadata={"simulate": "refuse"})
        perform(owner, einvoice["id"], "send")
        outbox.send_due()
        shown = fetch_detail(owner, einvoice["id"])
        assert (shown["status"], shown["provider_status"]) == ("issued", "failed")
        assert shown["events"][-1]["payload"]["error"] == "The simulator was asked to refuse."
        assert owner.post(f"{URL}/{einvoice['id']}/send").status_code == 202

    def test_an_earlier_report_does_not_hide_the_response(self, owner: FlaskClient) -> None:
        einvoice = create_issued(owner, provider="null")
        perform(owner, einvoice["id"], "provider-status", {"provider_status": "announced"})
        assert perform(owner, einvoice["id"], "send")["provider_status"] == "queued"
        outbox.send_due()
        shown = fetch_detail(owner, einvoice["id"])
        assert (shown["status"], shown["provider_status"]) == ("accepted", "accepted")

    def test_a_failure_does_not_hide_a_callback(self, owner: FlaskClient) -> None:
        einvoice = create_issued(owner, provider="simulator", metadata={"simulate": "refuse"})
        perform(owner, einvoice["id"], "send")
        perform(owner, einvoice["id"], "provider-status", SAMPLE)
        outbox.send_due()
        shown = fetch_detail(owner, einvoice["id"])
        assert (shown["provider_status"], shown["events"][-1]["type"]) == ("accepted", "not_sent")

    def test_failures_are_retried_and_end_in_doubt(self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        einvoice = create_issued(owner, provider="simulator", metadata={"simulate": "fail"})
        perform(owner, einvoice["id"], "send")
        keys, real, moment = set(), ADAPTERS["simulator"].send, clock.now()

        def record_key(request: Any) -> Any:
            keys.add(request.key)
            return real(request)

        set_adapter(monkeypatch, "simulator", send=record_key)
        for delay in (timedelta(0), *work_queue.DELAYS):
            moment += delay + timedelta(seconds=1)
            monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
            outbox.send_due()
        [row] = stored_sendings()
        assert (row.state, row.attempts, row.error) == ("failed", 5, "The simulator was asked to fail.")
        assert len(keys) == 1
        assert fetch_detail(owner, einvoice["id"])["provider_status"] == "in_doubt"

    def test_the_work_of_a_lost_worker_is_repeated(self, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        einvoice = create_issued(owner, provider="null")
        perform(owner, einvoice["id"], "send")
        with monkeypatch.context() as killed:
            killed.setattr(outbox, "_record_response", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                outbox.send_due()
        assert not outbox.apply_due_callbacks()
        outbox.send_due()
        assert fetch_detail(owner, einvoice["id"])["status"] == "issued"
        later = clock.now() + timedelta(seconds=61)
        monkeypatch.setattr(clock, "now", lambda: later)
        outbox.send_due()
        assert fetch_detail(owner, einvoice["id"])["status"] == "accepted"


def test_a_callback_that_arrives_before_the_response_stays(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    einvoice = create_issued(owner, provider="simulator", metadata={"simulate": "late"})
    perform(owner, einvoice["id"], "send")
    real = ADAPTERS["simulator"].send

    def report_first(request: Any) -> Any:
        perform(owner, einvoice["id"], "provider-status", SAMPLE)
        return real(request)

    set_adapter(monkeypatch, "simulator", send=report_first)
    outbox.send_due()
    shown = fetch_detail(owner, einvoice["id"])
    assert (shown["status"], shown["provider_status"]) == ("sent", "accepted")
    with db.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM e_invoice_sendings WHERE state = 'done'")) == 1


def test_each_event_of_a_round_has_the_id_of_the_request_that_sent_it(owner: FlaskClient) -> None:
    einvoices = [create_issued(owner, provider="null")["id"] for _ in range(3)]
    for einvoice_id in einvoices:
        sent = owner.post(f"{URL}/{einvoice_id}/send", headers={"X-Request-Id": f"send-{einvoice_id}"})
        assert sent.status_code == 202
    assert outbox.send_due() == 3
    changed = text("SELECT subject_id, request_id FROM events WHERE type = 'einvoice.sent' ORDER BY subject_id")
    with db.engine.connect() as connection:
        found = connection.execute(changed).all()
    assert found == [(einvoice_id, f"send-{einvoice_id}") for einvoice_id in einvoices]
