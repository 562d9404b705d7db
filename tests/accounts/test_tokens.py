"""Scoped tokens over HTTP: what lets them in, what keeps them out, and in whose words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts import audit, modules, sessions, users
from app.accounts.errors import TokenEnded, UnknownToken
from app.accounts.models.accounts import ApiCall, AuditEntry, User
from app.accounts.models.tokens import AccessToken
from app.accounts.roles import ABILITIES, ROLES
from app.accounts.tokens import format as token_format
from app.accounts.tokens import service as tokens
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_sale, a_token, a_user

SALES, GRN, EINVOICES, EVENTS = "/api/sales/invoices/", "/api/invoices", "/api/v1/einvoices", "/api/v1/events"
At = Callable[[datetime], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    return lambda moment: monkeypatch.setattr(clock, "now", lambda: moment)


def made(user: User | None = None, **facts: Any) -> tuple[int, str]:
    """Id and text of a stored token."""
    with unit_of_work():
        token, plain = a_token(user, **facts)
    return token.id, plain


def ask(client: FlaskClient, plain: str, path: str = SALES, *, peer: str = "127.0.0.1", **headers: str) -> TestResponse:
    return client.get(path, headers={"Authorization": f"Bearer {plain}", **headers}, environ_base={"REMOTE_ADDR": peer})


def rows(model: Any) -> list[Any]:
    audit.recorder.flush()
    with db.engine.connect() as connection:
        return list(connection.execute(select(model.__table__).order_by(model.__table__.c.id)))


def refusals() -> list[str]:
    return [entry.details["reason"] for entry in rows(AuditEntry) if entry.action == "token.refused"]


def licensed(role: str = "admin") -> User:
    with unit_of_work():
        user = a_user(role=role)
        modules.enable(user, "feature.einvoice_api", actor="a test")
    return user


class TestText:
    def test_has_the_shape_of_the_contract(self, app: Hub) -> None:
        _, plain = made()
        assert re.fullmatch(r"ihub_[0-9A-Za-z]{12}_[0-9A-Za-z]{46}", plain)
        assert rows(AccessToken)[0].public_id == plain.split("_")[1]

    def test_a_slip_of_the_pen_is_told_by_the_checksum(self) -> None:
        plain = token_format.new_token(token_format.new_public_id())
        assert token_format.parse_token(plain)
        for place in range(len(plain)):
            other = "a" if plain[place] != "a" else "b"
            assert token_format.parse_token(plain[:place] + other + plain[place + 1 :]) is None
        assert token_format.parse_token(plain + "0") is None
        assert token_format.parse_token(plain + "\n") is None

    def test_the_checksum_is_crc_32_in_base_62(self) -> None:
        digits = token_format._checksum("123456789")
        decoded = sum(token_format._ALPHABET.index(digit) * 62**place for place, digit in enumerate(digits[::-1]))
        assert decoded == 0xCBF43926, "the check value of CRC-32"

    def test_only_a_hash_is_kept(self, app: Hub) -> None:
        _, plain = made()
        secret = plain.split("_")[2]
        for model in (AccessToken, AuditEntry):
            assert secret not in str(rows(model))


class TestLetsIn:
    @pytest.mark.parametrize("path", [SALES, GRN, EINVOICES, EVENTS])
    def test_on_every_surface(self, anybody: FlaskClient, path: str) -> None:
        _, plain = made(licensed())
        assert ask(anybody, plain, path).status_code == 200

    def test_whatever_the_case_of_bearer(self, anybody: FlaskClient) -> None:
        _, plain = made()
        assert anybody.get(SALES, headers={"Authorization": f"bearer  {plain} "}).status_code == 200

    def test_as_its_user(self, anybody: FlaskClient) -> None:
        user = licensed("billing")
        _, plain = made(user, abilities=["sales:import", "sales:read"])
        sale = a_sale()
        sent = anybody.post("/api/sales/import/invoice/", json=sale, headers={"Authorization": f"Bearer {plain}"})
        assert sent.status_code == 201
        assert ask(anybody, plain).json["results"][0]["created_user"] == user.id

    def test_for_what_it_was_given_and_nothing_else(self, app: Hub, anybody: FlaskClient) -> None:
        _, plain = made(licensed(), abilities=["sales:read"])
        assert ask(anybody, plain).status_code == 200
        assert ask(anybody, plain, GRN).json == {
            "status": 403,
            "code": 40300,
            "message": "This action is unauthorized.",
        }
        assert ask(anybody, plain, EINVOICES).json == {"message": "This action is unauthorized."}
        sent = anybody.post("/api/sales/import/invoice/", json=a_sale(), headers={"Authorization": f"Bearer {plain}"})
        assert (sent.status_code, sent.json["success"]) == (403, False)

    def test_never_as_a_user_in_person(self, anybody: FlaskClient) -> None:
        _, plain = made(abilities=list(ABILITIES))
        assert ask(anybody, plain, "/api/auth/me/").status_code == 403
        answer = anybody.post("/api/auth/logout/", headers={"Authorization": f"Bearer {plain}"})
        assert (answer.status_code, answer.json["success"]) == (403, False)

    def test_to_a_module_as_long_as_its_user_has_it(self, anybody: FlaskClient, at: At) -> None:
        _, plain = made(licensed(), days=365)
        assert ask(anybody, plain, EINVOICES).status_code == 200
        at(clock.now() + timedelta(days=364))
        assert ask(anybody, plain, EINVOICES).status_code == 200
        with unit_of_work():
            token, plain = a_token(db.session.get(User, 1), days=30)
        at(token.created_at + timedelta(days=2))
        assert ask(anybody, plain, SALES).status_code == 200
        answer = ask(anybody, plain, EINVOICES)
        assert (answer.status_code, answer.json["error"]) == (403, "MODULE_NOT_ENABLED")


class TestKeepsOut:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (SALES, {"success": False, "message": "Token has expired.", "code": "TOKEN_EXPIRED"}),
            (GRN, {"status": 401, "code": 40100, "message": "Token has expired."}),
            (EINVOICES, {"message": "Unauthenticated.", "error": "TOKEN_EXPIRED"}),
        ],
    )
    def test_what_has_expired(self, anybody: FlaskClient, at: At, path: str, body: dict[str, Any]) -> None:
        _, plain = made(licensed(), days=30)
        start = clock.now()
        at(start + timedelta(days=30, seconds=-5))
        assert ask(anybody, plain, path).status_code == 200
        at(start + timedelta(days=30, seconds=1))
        answer = ask(anybody, plain, path)
        assert (answer.status_code, answer.json) == (401, body)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="invoice-hub"'
        assert refusals() == ["expired"]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            (SALES, {"success": False, "message": "Token is invalid."}),
            (GRN, {"status": 401, "code": 40100, "message": "Token is invalid."}),
            (EINVOICES, {"message": "Unauthenticated."}),
        ],
    )
    def test_what_was_revoked(self, anybody: FlaskClient, path: str, body: dict[str, Any]) -> None:
        number, plain = made(licensed())
        assert ask(anybody, plain, path).status_code == 200
        with unit_of_work():
            tokens.revoke(number, scope=None, actor="a test")
        answer = ask(anybody, plain, path)
        assert (answer.status_code, answer.json) == (401, body)
        assert refusals() == ["revoked"]

    def test_the_token_of_a_user_who_is_out(self, anybody: FlaskClient) -> None:
        with unit_of_work():
            user = a_user(role="billing")
        _, plain = made(user)
        with unit_of_work():
            users.set_active(user, False, actor="a test")
        assert ask(anybody, plain).status_code == 401
        assert refusals() == ["user inactive"]
        with unit_of_work():
            users.set_active(user, True, actor="a test")
        assert ask(anybody, plain).status_code == 200

    def test_abilities_that_the_users_role_lost(self, anybody: FlaskClient) -> None:
        with unit_of_work():
            a_user()
            user = a_user(role="billing")
        _, plain = made(user, abilities=["sales:read", "einvoices:read"])
        with unit_of_work():
            users.set_role(user, "warehouse", actor="a test")
        assert ask(anybody, plain, EINVOICES).json == {"message": "This action is unauthorized."}
        assert ask(anybody, plain).status_code == 200
        with unit_of_work():
            users.set_role(user, "billing", actor="a test")
        assert ask(anybody, plain, EINVOICES).json["error"] == "MODULE_NOT_ENABLED"

    def test_another_secret_for_a_public_id(self, anybody: FlaskClient) -> None:
        _, plain = made()
        answer = ask(anybody, token_format.new_token(plain.split("_")[1]))
        assert (answer.status_code, answer.json["message"]) == (401, "Token is invalid.")
        assert refusals() == ["wrong secret"]
        assert rows(ApiCall) == [], "whoever does not know the secret did not call as the token"

    @pytest.mark.parametrize("value", ["ihub_", "ihub_x_y", "ihub_" + "é" * 12, "IHUB_x", "ihub_" + "x" * 9000])
    def test_what_is_no_token(self, anybody: FlaskClient, value: str) -> None:
        answer = ask(anybody, value.encode().decode("latin1"))
        assert (answer.status_code, answer.json["message"]) == (401, "Token is invalid.")

    def test_and_writes_it_down_once_a_minute(self, anybody: FlaskClient, at: At) -> None:
        number, plain = made()
        with unit_of_work():
            tokens.revoke(number, scope=None, actor="a test")
        start = clock.now()
        for seconds in (0, 1, 59, 61):
            at(start + timedelta(seconds=seconds))
            assert ask(anybody, plain, **{"X-Request-Id": f"r-{seconds}"}).status_code == 401
        written = [entry for entry in rows(AuditEntry) if entry.action == "token.refused"]
        assert [entry.request_id for entry in written] == ["r-0", "r-61"]
        assert {entry.subject for entry in written} == {f"token:{number}"}
        assert [call.status for call in rows(ApiCall)] == [401] * 4, "the record of calls has each"
        assert rows(AccessToken)[0].last_used_at is None, "what was refused is no use"


class TestAllowlist:
    def test_of_addresses_and_networks(self, anybody: FlaskClient) -> None:
        _, plain = made(licensed(), allowlist=["192.0.2.7", "2001:db8::/32"])
        for peer in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1::1"):
            assert ask(anybody, plain, peer=peer).status_code == 200
        for path, body in (
            (SALES, {"success": False, "code": "IP_NOT_ALLOWED"}),
            (GRN, {"status": 403, "code": 40300}),
            (EINVOICES, {"error": "IP_NOT_ALLOWED"}),
        ):
            answer = ask(anybody, plain, path, peer="192.0.2.8")
            expected = {**body, "message": "This credential may not be used from this address."}
            assert (answer.status_code, answer.json) == (403, expected)
        assert refusals() == ["address"]

    def test_a_forwarded_address_is_hearsay(self, anybody: FlaskClient) -> None:
        _, plain = made(allowlist=["192.0.2.7"])
        forged = {"X-Forwarded-For": "192.0.2.7", "X-Real-IP": "192.0.2.7", "Forwarded": "for=192.0.2.7"}
        assert ask(anybody, plain, peer="203.0.113.1", **forged).status_code == 403
        assert ask(anybody, plain, peer="192.0.2.7", **{"X-Forwarded-For": "203.0.113.1"}).status_code == 200

    def test_behind_one_proxy_its_word_counts_and_no_further_one(self, app_with: Callable[..., Hub]) -> None:
        client = app_with(trusted_proxies=1).test_client()
        _, plain = made(allowlist=["192.0.2.7"])

        def through(forwarded: str) -> int:
            return ask(client, plain, peer="10.0.0.1", **{"X-Forwarded-For": forwarded}).status_code

        assert through("192.0.2.7") == 200
        assert through("203.0.113.1, 192.0.2.7") == 200
        assert through("192.0.2.7, 203.0.113.1") == 403
        assert through("unknown") == 403


class TestRotation:
    def test_both_secrets_work_within_the_grace_and_then_the_new_one(self, anybody: FlaskClient, at: At) -> None:
        number, old = made(days=30)
        start = clock.now()
        at(start + timedelta(days=10))
        with unit_of_work():
            token, new = tokens.rotate(number, scope=None, actor="a test", grace=timedelta(hours=2))
        assert token.id == number
        assert new != old
        assert new.split("_")[1] == old.split("_")[1]
        for plain in (old, new):
            assert ask(anybody, plain).status_code == 200
        at(start + timedelta(days=10, hours=2, seconds=1))
        refused = ask(anybody, old)
        assert (refused.status_code, refused.json["code"]) == (401, "TOKEN_EXPIRED")
        assert ask(anybody, new).status_code == 200
        at(start + timedelta(days=39))
        assert ask(anybody, new).status_code == 200, "its lifetime began anew"

    def test_without_a_grace_the_old_secret_stops_at_once(self, anybody: FlaskClient) -> None:
        number, old = made()
        with unit_of_work():
            tokens.rotate(number, scope=None, actor="a test", grace=timedelta())
        assert ask(anybody, old).status_code == 401
        assert refusals() == ["rotated"]

    def test_a_second_rotation_ends_the_first_secret(self, anybody: FlaskClient) -> None:
        number, first = made()
        plains = []
        for _ in range(2):
            with unit_of_work():
                plains.append(tokens.rotate(number, scope=None, actor="a test")[1])
        assert [ask(anybody, plain).status_code for plain in (first, *plains)] == [401, 200, 200]

    def test_the_grace_outlives_no_expiry_and_no_revocation(self, anybody: FlaskClient, at: At) -> None:
        number, old = made(days=30)
        start = clock.now()
        at(start + timedelta(days=29, hours=23))
        with unit_of_work():
            token, new = tokens.rotate(number, scope=None, actor="a test", grace=timedelta(days=5))
        assert token.previous_until == token.created_at + timedelta(days=30)
        with unit_of_work():
            tokens.revoke(number, scope=None, actor="a test")
        assert [ask(anybody, plain).status_code for plain in (old, new)] == [401, 401]

    def test_what_is_over_is_not_rotated(self, app: Hub, at: At) -> None:
        expired, _ = made(days=30)
        revoked, _ = made(days=90)
        with unit_of_work():
            tokens.revoke(revoked, scope=None, actor="a test")
        at(clock.now() + timedelta(days=31))
        for number in (expired, revoked):
            with pytest.raises(TokenEnded), unit_of_work():
                tokens.rotate(number, scope=None, actor="a test")

    @pytest.mark.parametrize("grace", [timedelta(seconds=-1), timedelta(days=31)])
    def test_a_grace_has_bounds(self, app: Hub, grace: timedelta) -> None:
        number, _ = made()
        with pytest.raises(Invalid), unit_of_work():
            tokens.rotate(number, scope=None, actor="a test", grace=grace)


class TestMaking:
    @pytest.mark.parametrize("role", ROLES)
    def test_gives_no_more_than_the_role_has(self, app: Hub, role: str) -> None:
        with unit_of_work():
            user = a_user(role=role)
        with unit_of_work():
            a_token(user, abilities=list(ROLES[role]))
        for ability in ABILITIES.keys() - ROLES[role]:
            with pytest.raises(Invalid) as refused:
                a_token(user, abilities=["sales:read", ability])
            assert refused.value.errors == {"abilities": [f"The role {role} does not have it: {ability}."]}

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"name": " "}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"name": "a\0b"}, "name"),
            ({"abilities": []}, "abilities"),
            ({"abilities": ["sales:reed"]}, "abilities"),
            ({"days": 31}, "days"),
            ({"days": 0}, "days"),
            ({"allowlist": ["10.0.0.0/33"]}, "allowlist"),
            ({"allowlist": [f"10.0.0.{n}" for n in range(101)]}, "allowlist"),
            ({"calls": 0}, "calls"),
            ({"status_calls": 10_001}, "status_calls"),
        ],
    )
    def test_what_is_wrong_is_named(self, app: Hub, facts: dict[str, Any], field: str) -> None:
        with pytest.raises(Invalid) as refused, unit_of_work():
            a_token(**facts)
        assert list(refused.value.errors or {}) == [field]
        assert rows(AccessToken) == []

    @pytest.mark.parametrize("days", [30, 90, 180, 365])
    def test_lasts_as_long_as_was_chosen(self, app: Hub, days: int) -> None:
        made(days=days)
        [token] = rows(AccessToken)
        assert token.expires_at - token.created_at == timedelta(days=days)

    def test_lasts_90_days_when_nothing_is_said(self, app: Hub) -> None:
        made()
        assert rows(AccessToken)[0].lifetime_days == 90

    def test_an_inactive_user_gets_none(self, app: Hub) -> None:
        with pytest.raises(Invalid), unit_of_work():
            a_token(a_user(is_active=False))

    def test_every_change_is_written_down_without_secrets(self, app: Hub) -> None:
        number, first = made(allowlist=["10.0.0.0/8"])
        with unit_of_work():
            _, second = tokens.rotate(number, scope=None, actor="user:9")
        with unit_of_work():
            tokens.change_limits(number, calls=5, status_calls=2, scope=None, actor="user:9")
        for _ in range(2):
            with unit_of_work():
                tokens.revoke(number, scope=None, actor="user:9")
        entries = [entry for entry in rows(AuditEntry) if entry.subject == f"token:{number}"]
        assert [entry.action for entry in entries] == [
            "token.created",
            "token.rotated",
            "token.limits_changed",
            "token.revoked",
        ]
        assert entries[0].details["allowlist"] == ["10.0.0.0/8"]
        for plain in (first, second):
            assert plain.split("_")[2] not in str(entries)

    def test_somebody_elses_token_is_not_there(self, app: Hub) -> None:
        number, _ = made()
        for verb in (tokens.revoke, tokens.rotate):
            with pytest.raises(UnknownToken), unit_of_work():
                verb(number, scope=2, actor="user:2")
        assert tokens.find(number, scope=1).id == number

    def test_those_that_end_soon_are_found(self, app: Hub, at: At) -> None:
        long, _ = made(days=90)
        short, _ = made(days=30)
        revoked, _ = made(days=30)
        with unit_of_work():
            tokens.revoke(revoked, scope=None, actor="a test")
        assert [token.id for token in tokens.expiring_tokens(scope=None)] == [short]
        assert tokens.expiring_tokens(scope=99) == []
        at(clock.now() + timedelta(days=70))
        assert [token.id for token in tokens.expiring_tokens(scope=None)] == [long]


class TestLastUse:
    def test_is_written_beside_the_request_at_most_every_five_minutes(self, anybody: FlaskClient, at: At) -> None:
        _, plain = made()
        start = clock.now()
        for minutes, seen in ((0, 0), (4, 0), (5.1, 5.1), (10, 5.1), (10.3, 10.3)):
            at(start + timedelta(minutes=minutes))
            ask(anybody, plain, peer="192.0.2.7")
            assert rows(AccessToken)[0].last_used_at == start + timedelta(minutes=seen)
        assert rows(AccessToken)[0].last_used_address == "192.0.2.7"

    def test_costs_the_request_no_write(self, anybody: FlaskClient) -> None:
        _, plain = made()
        ask(anybody, plain)
        with db.engine.connect() as connection:
            assert connection.scalar(select(AccessToken.last_used_at)) is None

    def test_is_a_call_of_the_token_and_its_user(self, anybody: FlaskClient) -> None:
        number, plain = made()
        ask(anybody, plain, peer="192.0.2.7")
        [call] = rows(ApiCall)
        assert (call.credential, call.user_id, call.status, call.address) == (f"token:{number}", 1, 200, "192.0.2.7")


def test_a_user_and_a_token_work_side_by_side(anybody: FlaskClient) -> None:
    with unit_of_work():
        access = sessions.open_session(a_user())["access"]
    _, plain = made()
    assert ask(anybody, access).status_code == 200
    assert ask(anybody, plain).status_code == 200
