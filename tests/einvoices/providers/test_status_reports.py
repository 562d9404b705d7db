"""Status reports of providers: applied, late, repeated, invalid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.kernel import clock
from tests.einvoices.helpers import SAMPLE, URL, create_issued, events_of, fetch_detail, perform, reports_of


class TestStatusReports:
    def test_a_report_is_stored_as_documented(self, owner: FlaskClient) -> None:
        einvoice = create_issued(owner)
        answer = owner.post(f"{URL}/{einvoice['id']}/provider-status", json=SAMPLE)
        assert answer.status_code == 200
        assert (answer.json["provider_status"], answer.json["provider_invoice_id"]) == ("accepted", "PRV-999")
        assert answer.json["status"] == "issued"
        [payload] = reports_of(fetch_detail(owner, einvoice["id"]))
        assert payload["raw"] == SAMPLE["raw"]
        assert events_of(einvoice["id"])[-1]["type"] == "einvoice.status_changed"
        assert events_of(einvoice["id"])[-1]["einvoice"]["provider_status"] == "accepted"

    def test_a_missing_status_has_the_documented_message(self, owner: FlaskClient) -> None:
        answer = owner.post(f"{URL}/{create_issued(owner)['id']}/provider-status", json={})
        assert answer.status_code == 422
        sentence = "The provider status field is required."
        assert answer.json == {"message": sentence, "errors": {"provider_status": [sentence]}}

    @pytest.mark.parametrize(
        "body",
        [
            {"provider_status": "x" * 101},
            {"provider_status": "x", "provider_invoice_id": "y" * 256},
            {"provider_status": "x", "raw": "text"},
            {"provider_status": "x", "raw": {"a": "b" * 70_000}},
            {"provider_status": "x", "raw": ["a\0b"]},
            {"provider_status": "x", "occurred_at": "yesterday"},
            {"provider_status": "x", "occurred_at": "0001-01-01T00:00:00+14:00"},
        ],
    )
    def test_an_invalid_report_is_refused(self, owner: FlaskClient, body: dict[str, Any]) -> None:
        assert owner.post(f"{URL}/{create_issued(owner)['id']}/provider-status", json=body).status_code == 422

    def test_a_late_report_is_recorded_only(self, owner: FlaskClient) -> None:
        einvoice = create_issued(owner)
        now = clock.now()
        newer = {"provider_status": "accepted", "occurred_at": clock.iso(now)}
        older = {"provider_status": "waiting", "occurred_at": clock.iso(now - timedelta(minutes=5))}
        perform(owner, einvoice["id"], "provider-status", newer)
        count = len(events_of(einvoice["id"]))
        assert perform(owner, einvoice["id"], "provider-status", older)["provider_status"] == "accepted"
        assert [payload["applied"] for payload in reports_of(fetch_detail(owner, einvoice["id"]))] == [True, False]
        assert len(events_of(einvoice["id"])) == count

    def test_a_repeated_report_is_recorded_and_emits_one_event(self, owner: FlaskClient) -> None:
        einvoice = create_issued(owner)
        for _ in range(3):
            perform(owner, einvoice["id"], "provider-status", SAMPLE)
        assert len(reports_of(fetch_detail(owner, einvoice["id"]))) == 3
        assert [e["type"] for e in events_of(einvoice["id"])].count("einvoice.status_changed") == 1

    @pytest.mark.parametrize("number", [None, "", " \u200b"])
    def test_a_report_without_a_number_keeps_the_stored_one(self, owner: FlaskClient, number: str | None) -> None:
        path = f"{URL}/{create_issued(owner)['id']}/provider-status"
        owner.post(path, json=SAMPLE)
        answer = owner.post(path, json={"provider_status": "paid", "provider_invoice_id": number})
        assert answer.status_code == 200
        assert (answer.json["provider_status"], answer.json["provider_invoice_id"]) == ("paid", "PRV-999")

    def test_a_repeat_makes_earlier_reports_late(self, owner: FlaskClient) -> None:
        einvoice, now = create_issued(owner), clock.now()
        for status, minutes in (("accepted", 10), ("accepted", 2), ("waiting", 5)):
            report = {"provider_status": status, "occurred_at": clock.iso(now - timedelta(minutes=minutes))}
            shown = perform(owner, einvoice["id"], "provider-status", report)
        assert shown["provider_status"] == "accepted"
        assert [payload["applied"] for payload in reports_of(fetch_detail(owner, einvoice["id"]))] == [
            True,
            False,
            False,
        ]

    def test_a_report_from_the_future_does_not_block_later_reports(self, owner: FlaskClient) -> None:
        einvoice = create_issued(owner)
        future = {"provider_status": "waiting", "occurred_at": clock.iso(clock.now() + timedelta(days=400))}
        perform(owner, einvoice["id"], "provider-status", future)
        now = {"provider_status": "accepted", "occurred_at": clock.iso(clock.now())}
        assert perform(owner, einvoice["id"], "provider-status", now)["provider_status"] == "accepted"

    def test_a_report_needs_its_own_ability(self, client_as: Callable[..., FlaskClient]) -> None:
        answer = client_as("warehouse").post(f"{URL}/1/provider-status", json=SAMPLE)
        assert (answer.status_code, answer.json) == (403, {"message": "This action is unauthorized."})
