"""Decisions about e-invoices of accounts: the earlier provider is asked too, and another address ends the check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.decisions import decision_checks
from app.einvoices.providers import look_ups, outbox
from tests.einvoices.helpers import events_of, fetch_detail, list_page, page_ids, perform, stored_sendings
from tests.einvoices.provider_accounts.helpers import ACCOUNTS, call_back
from tests.einvoices.provider_accounts.test_doubts_of_accounts import DELAYS, give_up_in_doubt
from tests.einvoices.providers.provider_server import ANSWER, DROP, StoringProvider

Open = Callable[..., dict[str, Any]]
Pass = Callable[[float], None]


@pytest.fixture
def account(open_account: Open) -> dict[str, Any]:
    return open_account()


def decide(
    admin: FlaskClient, account: dict[str, Any], store: StoringProvider, pass_time: Pass, *, taken: bool
) -> dict[str, Any]:
    """An e-invoice that the provider does not have, and about which a person decided."""
    einvoice = give_up_in_doubt(admin, account, store, pass_time, DROP)
    perform(admin, einvoice["id"], "settle-doubt", {"taken": taken, "reason": "asked"})
    return einvoice


def contradicted(admin: FlaskClient) -> list[int]:
    return page_ids(list_page(admin, attention="contradicted"))


def test_an_earlier_provider_that_has_it_is_told(
    admin: FlaskClient, account: dict[str, Any], open_account: Open, store: StoringProvider, pass_time: Pass
) -> None:
    einvoice = decide(admin, account, store, pass_time, taken=False)
    store.decide = lambda: ANSWER
    perform(admin, einvoice["id"], "send", {"provider_account_id": open_account(name="Other")["id"]})
    outbox.send_due()  # the key is the same, and both accounts are at this provider
    pass_time(61)
    look_ups.look_up_due()
    assert fetch_detail(admin, einvoice["id"])["status"] == "accepted"
    assert contradicted(admin) == [einvoice["id"]]
    perform(admin, einvoice["id"], "settle-doubt", {"taken": True, "reason": "cancelled in its portal"})
    assert contradicted(admin) == []


def test_a_callback_of_an_earlier_provider_is_told(
    admin: FlaskClient, account: dict[str, Any], open_account: Open, store: StoringProvider, pass_time: Pass
) -> None:
    einvoice = decide(admin, account, store, pass_time, taken=False)
    perform(admin, einvoice["id"], "send", {"provider_account_id": open_account(name="Other")["id"]})
    body = {"invoice_no": einvoice["invoice_no"], "provider_status": "accepted"}
    assert call_back(admin, account, body, at=int(sum(DELAYS))).status_code == 200
    assert contradicted(admin) == [einvoice["id"]]
    assert events_of(einvoice["id"])[-1]["attention"]["reason"] == decision_checks.THERE


def test_another_address_is_not_asked_about_it(
    admin: FlaskClient, account: dict[str, Any], store: StoringProvider, pass_time: Pass
) -> None:
    einvoice = decide(admin, account, store, pass_time, taken=True)
    asked = sum(store.looked_up.values())
    answer = admin.patch(f"{ACCOUNTS}/{account['id']}", json={"lookup_url": f"{store.url}/other"})
    assert answer.status_code == 200, answer.json
    pass_time(61)
    look_ups.look_up_due()
    assert sum(store.looked_up.values()) == asked
    assert page_ids(list_page(admin, attention="unconfirmed")) == [einvoice["id"]]
    assert stored_sendings()[0].error == decision_checks.OTHER_ADDRESS
