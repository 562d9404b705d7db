"""API keys: authentication, expiry, revocation, rotation, allowlists, and storage as a hash only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts import audit
from app.accounts.credentials import api_keys
from app.accounts.errors import ApiKeyEnded
from app.accounts.models.accounts import ApiKey, AuditEntry
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid, NotFound
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.conftest import IMPORT_KEY
from tests.factories import a_sale

LIST = "/api/sales/invoices/"


def a_key(**facts: Any) -> str:
    with unit_of_work():
        _key, secret = api_keys.create(**{"name": "ERP", "actor": "a test", **facts})
    return secret


def list_sales(client: FlaskClient, key: str, *, peer: str = "127.0.0.1", **headers: str) -> TestResponse:
    return client.get(LIST, headers={"X-API-KEY": key, **headers}, environ_base={"REMOTE_ADDR": peer})


def stored_key() -> Any:
    audit.recorder.flush()
    with db.engine.connect() as connection:
        return connection.execute(select(ApiKey.__table__)).one()


class TestEnvironmentKeys:
    def test_several_are_valid_at_once(self, app_with: Callable[..., Hub]) -> None:
        client = app_with(sales_import_api_keys=("the-old-key-of-the-erp", "the-new-key-of-the-erp")).test_client()
        assert list_sales(client, "the-old-key-of-the-erp").status_code == 200
        assert list_sales(client, "the-new-key-of-the-erp").status_code == 200
        assert list_sales(client, IMPORT_KEY).status_code == 401

    @pytest.mark.parametrize("key", ["", " ", "wrong", IMPORT_KEY[:-1], IMPORT_KEY + "x", IMPORT_KEY.upper(), "ключ"])
    def test_any_other_key_is_refused(self, anybody: FlaskClient, key: str) -> None:
        answer = list_sales(anybody, key.encode().decode("latin1"))
        assert answer.status_code == 401
        assert answer.json == {"success": False, "message": "Invalid API key"}

    def test_without_configured_keys_every_key_is_refused(self, app_with: Callable[..., Hub]) -> None:
        assert list_sales(app_with(sales_import_api_keys=()).test_client(), "").status_code == 401


class TestStoredKeys:
    def test_several_are_valid_at_once_with_those_of_the_environment(self, anybody: FlaskClient) -> None:
        for key in (a_key(name="old"), a_key(name="new"), IMPORT_KEY):
            assert list_sales(anybody, key).status_code == 200

    def test_a_revoked_key_stops_at_once_and_other_keys_still_work(self, anybody: FlaskClient) -> None:
        old, new = a_key(), a_key()
        with unit_of_work():
            assert api_keys.revoke(1, actor="a test").revoked_at
        assert list_sales(anybody, old).json == {"success": False, "message": "Invalid API key"}
        assert list_sales(anybody, new).status_code == 200

    def test_an_expired_key_is_refused(self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        key = a_key(lifetime=timedelta(days=30))
        assert list_sales(anybody, key).status_code == 200
        later = clock.now() + timedelta(days=30, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert list_sales(anybody, key).status_code == 401

    def test_only_a_hash_is_stored(self, app: Hub) -> None:
        key = a_key()
        row = stored_key()
        assert key not in str(row)
        assert row.prefix == key[:8]
        with db.engine.connect() as connection:
            assert key not in str(connection.execute(select(AuditEntry.__table__)).all())

    def test_a_second_revocation_adds_no_audit_row(self, app: Hub) -> None:
        a_key()
        for _ in range(2):
            with unit_of_work():
                api_keys.revoke(1, actor="a test")
        with db.engine.connect() as connection:
            actions = connection.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert actions == ["api_key.created", "api_key.revoked"]

    @pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "a\0b"])
    def test_an_invalid_name_is_refused(self, app: Hub, name: str) -> None:
        with pytest.raises(Invalid) as refused:
            a_key(name=name)
        assert refused.value.errors == {"name": ["Use 1 to 200 printable characters."]}

    @pytest.mark.parametrize("entry", ["x", "10.0.0.0/33", "10.0.0", "", "2001:db8::/200"])
    def test_an_invalid_allowlist_entry_is_refused(self, app: Hub, entry: str) -> None:
        with pytest.raises(Invalid) as refused:
            a_key(allowlist=["10.0.0.1", entry])
        assert list(refused.value.errors or {}) == ["allowlist"]


class TestAllowlist:
    @pytest.mark.parametrize(
        ("entry", "peer"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.0/24", "192.0.2.255"),
            ("192.0.2.77/24", "192.0.2.1"),
            ("192.0.2.7", "::ffff:192.0.2.7"),
            ("::ffff:192.0.2.0/120", "192.0.2.7"),
            ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
            ("2001:db8::/32", "2001:db8::1"),
            ("2001:DB8:0::1", "2001:db8::1"),
            ("0.0.0.0/0", "8.8.8.8"),
        ],
    )
    def test_an_address_in_the_list_is_allowed(self, anybody: FlaskClient, entry: str, peer: str) -> None:
        key = a_key(allowlist=["203.0.113.9", entry])
        assert list_sales(anybody, key, peer=peer).status_code == 200

    @pytest.mark.parametrize(
        "peer", ["192.0.3.1", "2001:db8::1", "::ffff:192.0.3.1", "", "unix:", "unknown", "192.0.3.1:80", "x" * 300]
    )
    def test_any_other_address_is_refused(self, anybody: FlaskClient, peer: str) -> None:
        answer = list_sales(anybody, a_key(allowlist=["192.0.2.0/24"]), peer=peer)
        assert answer.status_code == 403
        assert answer.json["code"] == "IP_NOT_ALLOWED"

    @pytest.mark.parametrize("peer", ["", "unix:", "x" * 300])
    def test_a_key_without_allowlist_works_without_an_address(self, anybody: FlaskClient, peer: str) -> None:
        assert list_sales(anybody, a_key(), peer=peer).status_code == 200

    def test_x_forwarded_for_is_ignored_without_a_trusted_proxy(self, anybody: FlaskClient) -> None:
        key = a_key(allowlist=["192.0.2.7"])
        answer = list_sales(anybody, key, peer="203.0.113.1", **{"X-Forwarded-For": "192.0.2.7"})
        assert answer.status_code == 403
        answer = list_sales(anybody, key, peer="192.0.2.7", **{"X-Forwarded-For": "203.0.113.1"})
        assert answer.status_code == 200

    def test_behind_one_trusted_proxy_only_the_last_forwarded_address_counts(
        self, app_with: Callable[..., Hub]
    ) -> None:
        client = app_with(trusted_proxies=1).test_client()
        key = a_key(allowlist=["192.0.2.7"])

        def through(forwarded: str) -> int:
            return list_sales(client, key, peer="10.0.0.1", **{"X-Forwarded-For": forwarded}).status_code

        assert through("192.0.2.7") == 200
        assert through("203.0.113.1, 192.0.2.7") == 200
        assert through("192.0.2.7, 203.0.113.1") == 403
        assert through("unknown") == 403
        assert through("192.0.2.7:1234") == 200


class TestLastUse:
    def test_is_stored_at_most_every_five_minutes(self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        key = a_key()
        assert stored_key().last_used_at is None
        start = clock.now()
        for minutes, expected in ((0, 0), (4, 0), (5.1, 5.1), (10, 5.1), (10.3, 10.3)):
            moment = start + timedelta(minutes=minutes)
            monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
            list_sales(anybody, key, peer="192.0.2.7")
            assert stored_key().last_used_at == start + timedelta(minutes=expected)
        assert stored_key().last_used_address == "192.0.2.7"

    def test_a_refused_call_does_not_count(self, anybody: FlaskClient) -> None:
        list_sales(anybody, a_key(allowlist=["192.0.2.7"]))
        assert stored_key().last_used_at is None


def test_an_import_by_key_has_no_user(anybody: FlaskClient) -> None:
    answer = anybody.post("/api/sales/import/invoice/", json=a_sale(), headers={"X-API-KEY": a_key()})
    assert answer.status_code == 201
    shown = list_sales(anybody, IMPORT_KEY).json["results"]
    assert [invoice["created_user"] for invoice in shown] == [None]


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/api/v1/events"), ("post", "/api/sales/billing/return/"), ("get", "/api/auth/me/")],
)
def test_a_key_has_no_other_abilities(erp: FlaskClient, method: str, path: str) -> None:
    assert erp.open(path, method=method, json={}).status_code == 403


class TestRotation:
    def test_the_old_key_works_during_the_grace_period_only(
        self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = a_key(allowlist=["127.0.0.0/8"])
        with unit_of_work():
            key, new = api_keys.rotate(1, actor="a test", grace=timedelta(hours=2))
        assert (key.name, key.allowlist, key.expires_at) == ("ERP", ["127.0.0.0/8"], None)
        assert [list_sales(anybody, secret).status_code for secret in (old, new)] == [200, 200]
        later = clock.now() + timedelta(hours=2, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert [list_sales(anybody, secret).status_code for secret in (old, new)] == [401, 200]
        with pytest.raises(ApiKeyEnded):
            api_keys.rotate(1, actor="a test")

    def test_the_grace_period_does_not_extend_the_expiry(self, app: Hub) -> None:
        a_key(lifetime=timedelta(hours=1))
        with unit_of_work():
            key, _ = api_keys.rotate(1, actor="a test")
        old = db.session.get(ApiKey, 1)
        assert old.expires_at == old.created_at + timedelta(hours=1)
        assert key.expires_at == key.created_at + timedelta(hours=1)

    def test_a_grace_period_out_of_range_is_refused(self, app: Hub) -> None:
        a_key()
        for grace in (timedelta(seconds=-1), timedelta(days=31)):
            with pytest.raises(Invalid):
                api_keys.rotate(1, actor="a test", grace=grace)


def test_a_new_allowlist_applies_from_the_next_call(anybody: FlaskClient) -> None:
    key = a_key()
    with unit_of_work():
        api_keys.change_allowlist(1, ["192.0.2.7"], actor="a test")
    assert list_sales(anybody, key).status_code == 403
    assert list_sales(anybody, key, peer="192.0.2.7").status_code == 200
    with pytest.raises(NotFound):
        api_keys.change_allowlist(2, [], actor="a test")
