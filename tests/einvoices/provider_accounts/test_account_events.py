"""Events of provider accounts: what was done to an account, without address and secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from app.einvoices.providers import outbox
from app.events.models import Event
from app.extensions import db
from app.kernel import json
from tests.einvoices.helpers import create_issued, perform
from tests.einvoices.provider_accounts.helpers import ACCOUNTS
from tests.einvoices.providers.provider_server import StoringProvider

Open = Callable[..., dict[str, Any]]


def emitted() -> list[tuple[str, int | None, dict[str, Any]]]:
    """Type, owner and data of the events of accounts, oldest first."""
    with db.engine.connect() as connection:
        rows = connection.execute(select(Event.type, Event.owner_id, Event.body).order_by(Event.id)).all()
    return [(row.type, row.owner_id, json.decode(row.body)["data"]) for row in rows if "account." in row.type]


def names() -> list[str]:
    return [name.removeprefix("provider_account.") for name, _, _ in emitted()]


def test_each_change_has_its_event(admin: FlaskClient, open_account: Open) -> None:
    account = open_account(token="a secret token", is_default=True)
    url = f"{ACCOUNTS}/{account['id']}"
    assert names() == ["created", "tested"]
    admin.patch(url, json={"enabled": False})
    admin.post(f"{url}/rotate", json={})
    open_account(name="Other", is_default=True)
    admin.delete(url)
    assert names()[2:] == ["changed", "changed", "changed", "created", "tested", "removed"]
    changed = emitted()[2]
    assert (changed[1], changed[2]["user"], changed[2]["account"]["state"]) == (
        admin.user_id,
        {"id": admin.user_id},
        "disabled",
    )
    texts = json.encode_text([data for _, _, data in emitted()])
    assert not [secret for secret in ("secret", "127.0.0.1", account["callback_secret"]) if secret in texts]


def test_an_archived_account_and_a_failed_test(admin: FlaskClient, open_account: Open, store: StoringProvider) -> None:
    account = open_account()
    create_issued(admin, provider_account_id=account["id"])
    store.lookup_code = 401
    admin.post(f"{ACCOUNTS}/{account['id']}/test")
    assert emitted()[-1][2]["account"]["state"] == "test_failed"
    admin.delete(f"{ACCOUNTS}/{account['id']}")
    name, _, data = emitted()[-1]
    assert (name, data["account"]["state"]) == ("provider_account.removed", "archived")


def test_a_provider_that_refuses_the_credentials(
    admin: FlaskClient, open_account: Open, store: StoringProvider
) -> None:
    account = open_account()
    einvoice = create_issued(admin, provider_account_id=account["id"])
    store.refusal_code = 401
    perform(admin, einvoice["id"], "send")
    outbox.send_due()
    name, owner, data = emitted()[-1]
    assert (name, owner, data["account"]["state"]) == ("provider_account.locked_out", admin.user_id, "test_failed")
    assert "401" in data["account"]["test_message"]
