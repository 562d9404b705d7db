"""Connection tests: what they test, what happens meanwhile, and to whom the token is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.providers import http_provider, outbox
from app.einvoices.providers.clients import ADAPTERS
from app.einvoices.providers.contract import ProviderRequest
from app.extensions import db
from app.kernel.outbound import ssrf
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import create_issued, fetch_detail, perform, set_adapter, stored_sendings
from tests.einvoices.provider_accounts.helpers import ACCOUNTS, loopback
from tests.einvoices.providers.provider_server import StoringProvider, running_store

OTHER_HOST = "Enter the token again: an address leads to another host, port or scheme."


class TestChangeDuringATest:
    @pytest.mark.parametrize(
        ("path", "change", "state"),
        [
            ("", {"name": "Renamed"}, "ready"),
            ("", {"rate_per_minute": 5}, "ready"),
            ("/rotate", {}, "ready"),
            ("", {"token": "another"}, "test_failed"),
            ("", {"lookup_url": ""}, "test_failed"),
        ],
    )
    def test_only_what_is_tested_makes_it_worthless(
        self,
        *,
        admin: FlaskClient,
        store: StoringProvider,
        monkeypatch: pytest.MonkeyPatch,
        path: str,
        change: dict[str, Any],
        state: str,
    ) -> None:
        account = admin.post(ACCOUNTS, json={"name": "Main", "adapter": "http", **loopback(store)}).json
        url = f"{ACCOUNTS}/{account['id']}"
        statuses: list[int] = []

        def change_meanwhile(_request: ProviderRequest) -> None:
            answer = admin.post(url + path, json=change) if path else admin.patch(url, json=change)
            statuses.append(answer.status_code)

        set_adapter(monkeypatch, "http", check=change_meanwhile)
        tested = admin.post(f"{url}/test").json
        assert statuses == [200]
        assert tested["state"] == state, tested["test_message"]


def test_an_account_has_one_test_at_a_time(
    *,
    admin: FlaskClient,
    store: StoringProvider,
    monkeypatch: pytest.MonkeyPatch,
    pass_time: Callable[[float], None],
) -> None:
    account = admin.post(ACCOUNTS, json={"name": "Main", "adapter": "http", **loopback(store)}).json
    url, answers = f"{ACCOUNTS}/{account['id']}/test", []

    def start_another(_request: ProviderRequest) -> None:
        set_adapter(monkeypatch, "http", check=lambda _request: None)
        answers.append(admin.post(url))

    set_adapter(monkeypatch, "http", check=start_another)
    assert admin.post(url).json["state"] == "ready"
    assert [(answer.status_code, answer.json["error"]) for answer in answers] == [(409, "ACCOUNT_IN_TEST")]
    assert admin.post(url).status_code == 200
    with unit_of_work():  # the process of a test was killed
        db.session.execute(text("UPDATE provider_accounts SET testing_until = now() + interval '15 seconds'"))
    assert admin.post(url).status_code == 409
    pass_time(16)
    assert admin.post(url).status_code == 200


class TestStoredToken:
    """A token is sent only where its owner entered it for."""

    def test_another_host_needs_the_token_again(self, admin: FlaskClient, store: StoringProvider) -> None:
        made = admin.post(ACCOUNTS, json={"name": "Main", "adapter": "http", **loopback(store), "token": "secret"})
        url = f"{ACCOUNTS}/{made.json['id']}"
        with running_store() as other:
            moved = loopback(other)
            moved["allowances"] += loopback(store)["allowances"]
            for field in ("url", "lookup_url"):
                refused = admin.patch(url, json={field: moved[field], "allowances": moved["allowances"]})
                assert (refused.status_code, refused.json["errors"]) == (422, {"token": [OTHER_HOST]})
            assert admin.patch(url, json={**moved, "token": "secret"}).status_code == 200
            assert admin.patch(url, json={"url": f"{other.url}/elsewhere"}).status_code == 200
            assert admin.patch(url, json={"token": None, **loopback(store)}).status_code == 200

    def test_plain_http_needs_the_token_again(self, admin: FlaskClient) -> None:
        settings = {"url": "https://10.1.2.3:8443/a", "allowances": [{"cidr": "10.1.2.3/32", "port": 8443}]}
        made = admin.post(ACCOUNTS, json={"name": "Main", "adapter": "http", "token": "secret", **settings})
        refused = admin.patch(f"{ACCOUNTS}/{made.json['id']}", json={"url": "http://10.1.2.3:8443/a"})
        assert refused.json["errors"] == {"token": [OTHER_HOST]}


def test_an_account_whose_host_is_gone_can_be_disabled(
    admin: FlaskClient, open_account: Callable[..., Any], store: StoringProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{ACCOUNTS}/{open_account()['id']}"

    def find_nothing(host: str, _port: int) -> list[str]:
        raise ssrf.Unresolved(f"{host} does not resolve.")

    monkeypatch.setattr(ssrf, "resolve_host", find_nothing)
    disabled = admin.patch(url, json={**loopback(store), "enabled": False})  # the page sends all fields
    assert (disabled.status_code, disabled.json["state"]) == (200, "disabled")
    refused = admin.patch(url, json={"url": "https://gone.example.com/"})
    assert refused.json["errors"] == {"url": ["gone.example.com does not resolve."]}


def test_refused_credentials_stop_the_account_and_not_its_sendings(
    *,
    admin: FlaskClient,
    open_account: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    pass_time: Callable[[float], None],
) -> None:
    account, send = open_account(), ADAPTERS["http"].send
    einvoice = create_issued(admin, provider_account_id=account["id"])
    perform(admin, einvoice["id"], "send")

    def refuse(_request: ProviderRequest) -> Any:
        raise http_provider._rejected_with(401)

    set_adapter(monkeypatch, "http", send=refuse)
    outbox.send_due()
    shown = admin.get(f"{ACCOUNTS}/{account['id']}").json
    assert (shown["state"], shown["test_message"]) == ("test_failed", "The provider answered 401.")
    [stopped] = admin.get("/api/v1/audit", query_string={"action": "provider_account.stopped"}).json["data"]
    assert (stopped["subject"], stopped["details"]) == (
        f"provider_account:{account['id']}",
        {"reason": "The provider answered 401."},
    )
    waits = fetch_detail(admin, einvoice["id"])
    assert (waits["provider_status"], stored_sendings()[0].in_doubt) == ("queued", False)
    set_adapter(monkeypatch, "http", send=send)
    pass_time(31)
    assert outbox.send_due() == 0
    admin.post(f"{ACCOUNTS}/{account['id']}/test")
    assert outbox.send_due() == 1
    assert fetch_detail(admin, einvoice["id"])["status"] == "accepted"
