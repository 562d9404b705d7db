"""Secrets of accounts after a change of ``SECRET_KEY``: unreadable, then encrypted again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.provider_accounts import account_secrets
from app.einvoices.providers import outbox
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import create_issued, fetch_detail, perform, stored_sendings
from tests.einvoices.provider_accounts.helpers import ACCOUNTS, call_back


def test_a_new_key_is_followed(
    admin: FlaskClient,
    open_account: Callable[..., Any],
    pass_time: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, account = admin.application, open_account(token="hush-hush")
    anybody = app.test_client()
    einvoice = create_issued(admin, provider_account_id=account["id"])
    perform(admin, einvoice["id"], "send")
    old = app.config["SECRET_KEY"]
    monkeypatch.setitem(app.config, "SECRET_KEY", "another secret key of the installation")
    with unit_of_work():
        assert account_secrets.count_unreadable_accounts() == 1
    outbox.send_due()
    assert "SECRET_KEY" in (stored_sendings()[0].error or "")
    assert stored_sendings()[0].in_doubt is False
    body = {"invoice_no": einvoice["invoice_no"], "provider_status": "x"}
    assert call_back(anybody, account, body).status_code == 401
    with unit_of_work():
        assert account_secrets.reseal_accounts("a wrong key", actor="test") == 0
        assert account_secrets.reseal_accounts(old, actor="test") == 1
        assert account_secrets.count_unreadable_accounts() == 0
    assert call_back(anybody, account, body).status_code == 200
    pass_time(31)
    outbox.send_due()
    assert fetch_detail(admin, einvoice["id"])["status"] == "accepted"
    assert admin.get(f"{ACCOUNTS}/{account['id']}").json["has_token"] is True
