"""A provider accepts an e-invoice after it was cancelled or corrected: people are told, and the sale is not doubled."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.providers import outbox
from app.einvoices.providers.contract import ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from tests.einvoices.helpers import (
    URL,
    create_draft,
    create_issued,
    events_of,
    fetch_detail,
    list_page,
    page_ids,
    perform,
    set_adapter,
)

REASON = {"reason": "Wrong tax number"}


def _reject(_request: ProviderRequest) -> ProviderResponse:
    return ProviderResponse(Status.REJECTED, "rejected", "PRV-1")


@pytest.fixture(autouse=True)
def _rejecting_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    set_adapter(monkeypatch, "http", send=_reject)


def create_rejected(client: FlaskClient) -> int:
    einvoice_id: int = create_issued(client, provider="http")["id"]
    perform(client, einvoice_id, "send")
    outbox.send_due()
    return einvoice_id


def report(client: FlaskClient, einvoice_id: int, word: str) -> None:
    perform(client, einvoice_id, "provider-status", {"provider_status": word})


def listed(client: FlaskClient) -> list[int]:
    return page_ids(list_page(client, attention="accepted_late"))


def refusal(client: FlaskClient, einvoice_id: int, step: str) -> Any:
    answer = client.post(f"{URL}/{einvoice_id}/{step}", json={})
    return answer.status_code, answer.json.get("error"), answer.json.get("einvoice_id")


def attention_of(einvoice_id: int) -> list[str]:
    return [each["attention"]["problem"] for each in events_of(einvoice_id) if "attention" in each]


def test_a_cancelled_einvoice_that_the_provider_accepts_needs_a_person(owner: FlaskClient) -> None:
    rejected = create_rejected(owner)
    perform(owner, rejected, "cancel", REASON)
    assert listed(owner) == []
    report(owner, rejected, "accepted")
    report(owner, rejected, "accepted")
    detail = fetch_detail(owner, rejected)
    assert (detail["status"], detail["provider_status"]) == ("cancelled", "accepted")
    assert (listed(owner), attention_of(rejected)) == ([rejected], ["accepted_late"])
    assert [event["type"] for event in detail["events"]].count("accepted_late") == 1
    report(owner, rejected, "cancelled at the provider")
    assert listed(owner) == []


def test_a_report_about_what_never_had_a_number_needs_nobody(owner: FlaskClient) -> None:
    draft = create_draft(owner)["id"]
    report(owner, draft, "accepted")
    perform(owner, draft, "cancel", REASON)
    report(owner, draft, "ok")
    report(owner, draft, "accepted")
    assert (listed(owner), attention_of(draft)) == ([], [])


def test_the_correction_of_what_the_provider_accepted_is_neither_issued_nor_sent(owner: FlaskClient) -> None:
    rejected = create_rejected(owner)
    correction = perform(owner, rejected, "corrections", REASON)["id"]
    report(owner, rejected, "accepted")
    refused = (409, "CORRECTED_ACCEPTED", rejected)
    assert refusal(owner, correction, "issue") == refused
    [conflict] = owner.get(f"{URL}/{correction}/readiness").json["conflicts"]
    assert (conflict["error"], conflict["data"]) == ("CORRECTED_ACCEPTED", {"einvoice_id": rejected})
    report(owner, rejected, "rejected")
    perform(owner, correction, "issue")
    report(owner, rejected, "accepted")
    assert refusal(owner, correction, "send") == refused
    assert (listed(owner), attention_of(rejected)) == ([rejected], ["accepted_late"] * 2)


def test_the_correction_of_a_correction_is_held_back_too(owner: FlaskClient) -> None:
    first = create_rejected(owner)
    second = perform(owner, first, "corrections", REASON)["id"]
    perform(owner, second, "issue")
    perform(owner, second, "send")
    outbox.send_due()
    third = perform(owner, second, "corrections", REASON)["id"]
    report(owner, first, "accepted")
    assert refusal(owner, third, "issue") == (409, "CORRECTED_ACCEPTED", first)


def test_cancelling_the_correction_ends_it(owner: FlaskClient) -> None:
    rejected = create_rejected(owner)
    correction = perform(owner, rejected, "corrections", REASON)["id"]
    perform(owner, correction, "issue")
    report(owner, rejected, "accepted")
    perform(owner, correction, "cancel", REASON)
    assert listed(owner) == []
    assert perform(owner, rejected, "credit-notes", REASON)["original_id"] == rejected
