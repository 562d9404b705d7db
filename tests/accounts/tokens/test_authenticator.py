"""Authentication by scoped tokens over HTTP: allowed and refused calls, envelopes, allowlists, last use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts import users
from app.accounts.login import sessions
from app.accounts.models.accounts import ApiCall, AuditEntry, User
from app.accounts.models.tokens import AccessToken
from app.accounts.roles import ABILITIES
from app.accounts.tokens import format as token_format
from app.accounts.tokens import service as tokens
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.accounts.conftest import SetClock
from tests.accounts.tokens.helpers import (
    EINVOICES,
    EVENTS,
    GRN,
    SALES,
    get,
    refusal_reasons,
    rows,
    store_token,
    store_user_with_module,
)
from tests.factories import a_sale, a_token, a_user


class TestAllowed:
    @pytest.mark.parametrize("path", [SALES, GRN, EINVOICES, EVENTS])
    def test_on_every_surface(self, anybody: FlaskClient, path: str) -> None:
        _, plain = store_token(store_user_with_module())
        assert get(anybody, plain, path).status_code == 200

    def test_bearer_in_any_case(self, anybody: FlaskClient) -> None:
        _, plain = store_token()
        assert anybody.get(SALES, headers={"Authorization": f"bearer  {plain} "}).status_code == 200

    def test_acts_as_its_user(self, anybody: FlaskClient) -> None:
        user = store_user_with_module("billing")
        _, plain = store_token(user, abilities=["sales:import", "sales:read"])
        sale = a_sale()
        sent = anybody.post("/api/sales/import/invoice/", json=sale, headers={"Authorization": f"Bearer {plain}"})
        assert sent.status_code == 201
        assert get(anybody, plain).json["results"][0]["created_user"] == user.id

    def test_only_with_the_granted_abilities(self, app: Hub, anybody: FlaskClient) -> None:
        _, plain = store_token(store_user_with_module(), abilities=["sales:read"])
        assert get(anybody, plain).status_code == 200
        assert get(anybody, plain, GRN).json == {
            "status": 403,
            "code": 40300,
            "message": "This action is unauthorized.",
        }
        assert get(anybody, plain, EINVOICES).json == {"message": "This action is unauthorized."}
        sent = anybody.post("/api/sales/import/invoice/", json=a_sale(), headers={"Authorization": f"Bearer {plain}"})
        assert (sent.status_code, sent.json["success"]) == (403, False)

    def test_not_where_a_signed_in_user_is_required(self, anybody: FlaskClient) -> None:
        _, plain = store_token(abilities=list(ABILITIES))
        assert get(anybody, plain, "/api/auth/me/").status_code == 403
        answer = anybody.post("/api/auth/logout/", headers={"Authorization": f"Bearer {plain}"})
        assert (answer.status_code, answer.json["success"]) == (403, False)

    def test_a_module_while_its_user_has_it(self, anybody: FlaskClient, set_clock: SetClock) -> None:
        _, plain = store_token(store_user_with_module(), days=365)
        assert get(anybody, plain, EINVOICES).status_code == 200
        set_clock(clock.now() + timedelta(days=364))
        assert get(anybody, plain, EINVOICES).status_code == 200
        with unit_of_work():
            token, plain = a_token(db.session.get(User, 1), days=30)
        set_clock(token.created_at + timedelta(days=2))
        assert get(anybody, plain, SALES).status_code == 200
        answer = get(anybody, plain, EINVOICES)
        assert (answer.status_code, answer.json["error"]) == (403, "MODULE_NOT_ENABLED")


class TestRefused:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (SALES, {"success": False, "message": "Token has expired.", "code": "TOKEN_EXPIRED"}),
            (GRN, {"status": 401, "code": 40100, "message": "Token has expired."}),
            (EINVOICES, {"message": "Unauthenticated.", "error": "TOKEN_EXPIRED"}),
        ],
    )
    def test_an_expired_token(self, anybody: FlaskClient, set_clock: SetClock, path: str, body: dict[str, Any]) -> None:
        _, plain = store_token(store_user_with_module(), days=30)
        start = clock.now()
        set_clock(start + timedelta(days=30, seconds=-5))
        assert get(anybody, plain, path).status_code == 200
        set_clock(start + timedelta(days=30, seconds=1))
        answer = get(anybody, plain, path)
        assert (answer.status_code, answer.json) == (401, body)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="invoice-hub"'
        assert refusal_reasons() == ["expired"]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (SALES, {"success": False, "message": "Token is invalid."}),
            (GRN, {"status": 401, "code": 40100, "message": "Token is invalid."}),
            (EINVOICES, {"message": "Unauthenticated."}),
        ],
    )
    def test_a_revoked_token(self, anybody: FlaskClient, path: str, body: dict[str, Any]) -> None:
        token_id, plain = store_token(store_user_with_module())
        assert get(anybody, plain, path).status_code == 200
        with unit_of_work():
            tokens.revoke(token_id, scope=None, actor="a test")
        answer = get(anybody, plain, path)
        assert (answer.status_code, answer.json) == (401, body)
        assert refusal_reasons() == ["revoked"]

    def test_a_token_of_a_deactivated_user(self, anybody: FlaskClient) -> None:
        with unit_of_work():
            user = a_user(role="billing")
        _, plain = store_token(user)
        with unit_of_work():
            users.set_active(user, False, actor="a test")
        assert get(anybody, plain).status_code == 401
        assert refusal_reasons() == ["user inactive"]
        with unit_of_work():
            users.set_active(user, True, actor="a test")
        assert get(anybody, plain).status_code == 200

    def test_abilities_that_the_role_no_longer_has(self, anybody: FlaskClient) -> None:
        with unit_of_work():
            a_user()
            user = a_user(role="billing")
        _, plain = store_token(user, abilities=["sales:read", "einvoices:read"])
        with unit_of_work():
            users.set_role(user, "warehouse", actor="a test")
        assert get(anybody, plain, EINVOICES).json == {"message": "This action is unauthorized."}
        assert get(anybody, plain).status_code == 200
        with unit_of_work():
            users.set_role(user, "billing", actor="a test")
        assert get(anybody, plain, EINVOICES).json["error"] == "MODULE_NOT_ENABLED"

    def test_a_wrong_secret_for_a_known_public_id(self, anybody: FlaskClient) -> None:
        _, plain = store_token()
        answer = get(anybody, token_format.new_token(plain.split("_")[1]))
        assert (answer.status_code, answer.json["message"]) == (401, "Token is invalid.")
        assert refusal_reasons() == ["wrong secret"]
        assert rows(ApiCall) == [], "a caller without the secret did not call as the token"

    @pytest.mark.parametrize("value", ["ihub_", "ihub_x_y", "ihub_" + "é" * 12, "IHUB_x", "ihub_" + "x" * 9000])
    def test_a_malformed_token(self, anybody: FlaskClient, value: str) -> None:
        answer = get(anybody, value.encode().decode("latin1"))
        assert (answer.status_code, answer.json["message"]) == (401, "Token is invalid.")

    def test_is_in_the_audit_trail_at_most_once_a_minute(self, anybody: FlaskClient, set_clock: SetClock) -> None:
        token_id, plain = store_token()
        with unit_of_work():
            tokens.revoke(token_id, scope=None, actor="a test")
        start = clock.now()
        for seconds in (0, 1, 59, 61):
            set_clock(start + timedelta(seconds=seconds))
            assert get(anybody, plain, **{"X-Request-Id": f"r-{seconds}"}).status_code == 401
        entries = [entry for entry in rows(AuditEntry) if entry.action == "token.refused"]
        assert [entry.request_id for entry in entries] == ["r-0", "r-61"]
        assert {entry.subject for entry in entries} == {f"token:{token_id}"}
        assert [call.status for call in rows(ApiCall)] == [401] * 4, "the call log has each call"
        assert rows(AccessToken)[0].last_used_at is None, "a refused call does not count as use"


class TestAllowlist:
    def test_contains_addresses_and_networks(self, anybody: FlaskClient) -> None:
        _, plain = store_token(store_user_with_module(), allowlist=["192.0.2.7", "2001:db8::/32"])
        for peer in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1::1"):
            assert get(anybody, plain, peer=peer).status_code == 200
        for path, body in (
            (SALES, {"success": False, "code": "IP_NOT_ALLOWED"}),
            (GRN, {"status": 403, "code": 40300}),
            (EINVOICES, {"error": "IP_NOT_ALLOWED"}),
        ):
            answer = get(anybody, plain, path, peer="192.0.2.8")
            expected = {**body, "message": "This credential may not be used from this address."}
            assert (answer.status_code, answer.json) == (403, expected)
        assert refusal_reasons() == ["address"]

    def test_x_forwarded_for_is_ignored_without_a_trusted_proxy(self, anybody: FlaskClient) -> None:
        _, plain = store_token(allowlist=["192.0.2.7"])
        forged = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
        assert get(anybody, plain, peer="203.0.113.1", **forged).status_code == 403
        assert get(anybody, plain, peer="192.0.2.7", **{"X-Forwarded-For": "203.0.113.1"}).status_code == 200

    def test_behind_one_trusted_proxy_only_the_last_forwarded_address_counts(
        self, app_with: Callable[..., Hub]
    ) -> None:
        client = app_with(trusted_proxies=1).test_client()
        _, plain = store_token(allowlist=["192.0.2.7"])

        def through(forwarded: str) -> int:
            return get(client, plain, peer="10.0.0.1", **{"X-Forwarded-For": forwarded}).status_code

        assert through("192.0.2.7") == 200
        assert through("203.0.113.1, 192.0.2.7") == 200
        assert through("192.0.2.7, 203.0.113.1") == 403
        assert through("unknown") == 403


class TestLastUse:
    def test_is_stored_at_most_every_five_minutes(self, anybody: FlaskClient, set_clock: SetClock) -> None:
        _, plain = store_token()
        start = clock.now()
        for minutes, expected in ((0, 0), (4, 0), (5.1, 5.1), (10, 5.1), (10.3, 10.3)):
            set_clock(start + timedelta(minutes=minutes))
            get(anybody, plain, peer="192.0.2.7")
            assert rows(AccessToken)[0].last_used_at == start + timedelta(minutes=expected)
        assert rows(AccessToken)[0].last_used_address == "192.0.2.7"

    @pytest.mark.usefixtures("no_background_writes")
    def test_is_not_written_by_the_request(self, anybody: FlaskClient) -> None:
        _, plain = store_token()
        get(anybody, plain)
        with db.engine.connect() as connection:
            assert connection.scalar(select(AccessToken.last_used_at)) is None
        assert rows(AccessToken)[0].last_used_at is not None

    def test_is_in_the_call_log_with_token_and_user(self, anybody: FlaskClient) -> None:
        token_id, plain = store_token()
        get(anybody, plain, peer="192.0.2.7")
        [call] = rows(ApiCall)
        assert (call.credential, call.user_id, call.status, call.address) == (f"token:{token_id}", 1, 200, "192.0.2.7")


def test_access_tokens_and_scoped_tokens_are_told_apart(anybody: FlaskClient) -> None:
    with unit_of_work():
        access = sessions.open_session(a_user())["access"]
    _, plain = store_token()
    assert get(anybody, access).status_code == 200
    assert get(anybody, plain).status_code == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer", 401),
        ("bearer ", 401),
        ("Bearer \t", 401),
        ("Bearer x", 401),
        ("Bearer\tx", 401),
        ("Basic eDp5", 200),
        ("", 200),
    ],
)
def test_a_bearer_header_is_not_ignored_for_another_credential(erp: FlaskClient, header: str, status: int) -> None:
    answer = erp.get("/api/sales/invoices/", headers={"Authorization": header})
    assert answer.status_code == status
