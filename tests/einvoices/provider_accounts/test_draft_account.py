"""An e-invoice goes to no other provider than the one that its seller saw."""

from __future__ import annotations

from collections.abc import Callable
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
    fetch_detail,
    perform,
    set_adapter,
    stored_sendings,
)
from tests.einvoices.provider_accounts.helpers import ACCOUNTS
from tests.factories import a_sale

Open = Callable[..., dict[str, Any]]
CUSTOMER = {"code": "CUST-889", "name": "LifeCare Pharmacy", "address1": "MG Road 1"}


def archive(client: FlaskClient, account: dict[str, Any]) -> None:
    assert client.delete(f"{ACCOUNTS}/{account['id']}").status_code == 204


def test_a_draft_of_an_archived_account_is_not_sent_elsewhere(admin: FlaskClient, open_account: Open) -> None:
    account = open_account(is_default=True)
    einvoice = create_issued(admin)
    assert einvoice["provider_account_id"] == account["id"]
    archive(admin, account)
    refused = admin.post(f"{URL}/{einvoice['id']}/send").json
    assert (refused["error"], refused["state"], refused["account_ids"]) == ("ACCOUNT_NOT_READY", "archived", [])
    assert refused["message"] == "The provider account of this e-invoice is not ready (archived)."
    open_account(name="Tries", mode="test")
    live, unready = open_account(name="Zoo"), admin.post(ACCOUNTS, json={"name": "A", "adapter": "null"}).json
    refused = admin.post(f"{URL}/{einvoice['id']}/send").json
    assert refused["account_ids"] == [live["id"]]
    assert refused["message"].endswith("(archived). Name another one: Zoo.")
    named = admin.post(f"{URL}/{einvoice['id']}/send", json={"provider_account_id": unready["id"]}).json
    assert (named["state"], named["account_ids"]) == ("untested", [live["id"]])
    assert fetch_detail(admin, einvoice["id"])["provider_account_id"] == account["id"]
    assert stored_sendings() == []
    perform(admin, einvoice["id"], "send", {"provider_account_id": live["id"]})
    assert [row.lane_id for row in stored_sendings()] == [live["id"]]


def test_a_new_draft_gets_the_default(admin: FlaskClient, open_account: Open) -> None:
    archive_me, default = open_account(is_default=True), open_account(name="Second")
    create_draft(admin)
    archive(admin, archive_me)
    admin.patch(f"{ACCOUNTS}/{default['id']}", json={"is_default": True})
    assert create_draft(admin)["provider_account_id"] == default["id"]


def test_a_correction_from_the_sale_does_not_choose_another_provider(
    admin: FlaskClient, erp: FlaskClient, open_account: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(_request: ProviderRequest) -> ProviderResponse:
        return ProviderResponse(Status.REJECTED, "rejected")

    account, other = open_account(), open_account(name="Other")
    sale = a_sale(customer=CUSTOMER)
    assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
    body = {"invoice_no": sale["invoice_no"]}
    first = admin.post(f"{URL}/from-sales", json={**body, "provider_account_id": account["id"]}).json
    perform(admin, first["id"], "issue")
    perform(admin, first["id"], "send")
    set_adapter(monkeypatch, "http", send=reject)
    outbox.send_due()
    archive(admin, account)
    refused = admin.post(f"{URL}/from-sales", json=body)
    assert (refused.status_code, refused.json["error"]) == (409, "ACCOUNT_NOT_READY")
    assert refused.json["account_ids"] == [other["id"]]
    made = admin.post(f"{URL}/from-sales", json={**body, "provider_account_id": other["id"]})
    assert (made.status_code, made.json["provider_account_id"]) == (201, other["id"])
    admin.post(f"{URL}/{made.json['id']}/cancel", json={"reason": "x"})
    admin.patch(f"{ACCOUNTS}/{other['id']}", json={"is_default": True})
    assert admin.post(f"{URL}/from-sales", json=body).json["provider_account_id"] == other["id"]
