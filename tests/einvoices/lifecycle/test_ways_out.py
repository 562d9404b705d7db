"""A rejected e-invoice is no dead end: each refusal names the steps that are possible, and they work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.providers import outbox
from app.einvoices.providers.contract import ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from app.kernel import json
from tests.einvoices.helpers import URL, create_draft, create_issued, fetch_detail, perform, set_adapter
from tests.factories import a_sale

CASE = Path(__file__).resolve().parents[2] / "cases" / "einvoice-rejected-by-provider-is-a-dead-end.sh"
CUSTOMER = {"code": "CUST-889", "name": "LifeCare Pharmacy", "address1": "MG Road 1"}
REASON = {"reason": "wrong tax id"}


@pytest.fixture(autouse=True)
def _rejecting_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    def reject(_request: ProviderRequest) -> ProviderResponse:
        return ProviderResponse(Status.REJECTED, "rejected")

    set_adapter(monkeypatch, "http", send=reject)


def bodies_of_case() -> list[Any]:
    """The JSON bodies of the recorded calls: the draft, its change, the reason."""
    return [json.decode(body.encode()) for body in re.findall(r"-d '({.*?})'", CASE.read_text())]


def reject(client: FlaskClient, einvoice_id: int) -> None:
    perform(client, einvoice_id, "issue")
    perform(client, einvoice_id, "send")
    outbox.send_due()
    assert fetch_detail(client, einvoice_id)["status"] == "rejected"


def test_the_recorded_calls_name_the_ways_out(owner: FlaskClient) -> None:
    draft, change, reason = bodies_of_case()
    einvoice_id = owner.post(URL, json=draft).json["id"]
    reject(owner, einvoice_id)
    refusals = [
        owner.patch(f"{URL}/{einvoice_id}", json=change),
        owner.post(f"{URL}/{einvoice_id}/credit-notes", json=reason),
        owner.post(f"{URL}/{einvoice_id}/returns", json=reason),
    ]
    for verb, refused in zip(("changed", "credited", "credited"), refusals, strict=True):
        assert (refused.status_code, refused.json["error"]) == (409, "WRONG_STATE")
        assert refused.json["message"] == (
            f"An e-invoice in status rejected cannot be {verb}. It can be sent or corrected or cancelled."
        )
        assert refused.json["steps"] == ["send", "correct", "cancel"]
    correction = perform(owner, einvoice_id, "corrections", reason)
    assert owner.patch(f"{URL}/{correction['id']}", json=change).json["buyer"]["tax_id"] == "22222222220"
    assert perform(owner, correction["id"], "issue")["corrects_id"] == einvoice_id
    perform(owner, correction["id"], "cancel", reason)
    assert perform(owner, einvoice_id, "cancel", reason)["status"] == "cancelled"


def test_the_sale_of_a_cancelled_rejection_gets_a_new_draft(owner: FlaskClient, erp: FlaskClient) -> None:
    imported = a_sale(customer=CUSTOMER)
    assert erp.post("/api/sales/import/invoice/", json=imported).status_code == 201
    sale = {"invoice_no": imported["invoice_no"], "provider": "http"}
    first = owner.post(f"{URL}/from-sales", json=sale).json
    reject(owner, first["id"])
    perform(owner, first["id"], "cancel", REASON)
    answer = owner.post(f"{URL}/from-sales", json=sale)
    assert (answer.status_code, answer.json["status"], answer.json["corrects_id"]) == (201, "draft", None)
    assert answer.json["id"] != first["id"]
    perform(owner, answer.json["id"], "issue")
    [series] = owner.get(f"{URL}/series").json["data"]
    assert (series["count"], series["cancelled"], series["gaps"]) == (2, 1, [])


@pytest.mark.parametrize(
    ("status", "steps"),
    [("draft", ["change", "issue", "cancel"]), ("issued", ["send", "cancel", "credit"]), ("cancelled", [])],
)
def test_every_refusal_names_what_the_status_allows(owner: FlaskClient, status: str, steps: list[str]) -> None:
    einvoice = create_draft(owner) if status == "draft" else create_issued(owner)
    if status == "cancelled":
        perform(owner, einvoice["id"], "cancel", REASON)
    refused = owner.post(f"{URL}/{einvoice['id']}/corrections", json={}).json
    assert (refused["error"], refused["status"], refused["steps"]) == ("WRONG_STATE", status, steps)
    assert ("It can be" in refused["message"]) is bool(steps)
