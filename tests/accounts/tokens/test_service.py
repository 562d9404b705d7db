"""Lifecycle of scoped tokens: creation, rotation, revocation, limits, scope, warnings before the expiry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.errors import TokenEnded, TooManyTokens, UnknownToken
from app.accounts.models.accounts import AuditEntry, User
from app.accounts.models.tokens import AccessToken
from app.accounts.roles import ABILITIES, ROLES
from app.accounts.tokens import service as tokens
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.accounts.conftest import SetClock
from tests.accounts.tokens.helpers import get, refusal_reasons, rows, store_token
from tests.factories import a_token, a_user


class TestRotation:
    def test_the_old_secret_works_during_the_grace_period_only(self, anybody: FlaskClient, set_clock: SetClock) -> None:
        token_id, old = store_token(days=30)
        start = clock.now()
        set_clock(start + timedelta(days=10))
        with unit_of_work():
            token, new = tokens.rotate(token_id, scope=None, actor="a test", grace=timedelta(hours=2))
        assert token.id == token_id
        assert new != old
        assert new.split("_")[1] == old.split("_")[1]
        for plain in (old, new):
            assert get(anybody, plain).status_code == 200
        set_clock(start + timedelta(days=10, hours=2, seconds=1))
        refused = get(anybody, old)
        assert (refused.status_code, refused.json["code"]) == (401, "TOKEN_EXPIRED")
        assert get(anybody, new).status_code == 200
        set_clock(start + timedelta(days=39))
        assert get(anybody, new).status_code == 200, "its lifetime started again"

    def test_without_a_grace_period_the_old_secret_stops_at_once(self, anybody: FlaskClient) -> None:
        token_id, old = store_token()
        with unit_of_work():
            tokens.rotate(token_id, scope=None, actor="a test", grace=timedelta())
        assert get(anybody, old).status_code == 401
        assert refusal_reasons() == ["rotated"]

    def test_after_a_second_rotation_the_first_secret_is_refused(self, anybody: FlaskClient) -> None:
        token_id, first = store_token()
        plains = []
        for _ in range(2):
            with unit_of_work():
                plains.append(tokens.rotate(token_id, scope=None, actor="a test")[1])
        assert [get(anybody, plain).status_code for plain in (first, *plains)] == [401, 200, 200]

    def test_the_grace_period_ends_with_the_expiry_and_with_a_revocation(
        self, anybody: FlaskClient, set_clock: SetClock
    ) -> None:
        token_id, old = store_token(days=30)
        start = clock.now()
        set_clock(start + timedelta(days=29, hours=23))
        with unit_of_work():
            token, new = tokens.rotate(token_id, scope=None, actor="a test", grace=timedelta(days=5))
        assert token.previous_until == token.created_at + timedelta(days=30)
        with unit_of_work():
            tokens.revoke(token_id, scope=None, actor="a test")
        assert [get(anybody, plain).status_code for plain in (old, new)] == [401, 401]

    def test_an_expired_or_revoked_token_cannot_be_rotated(self, app: Hub, set_clock: SetClock) -> None:
        expired, _ = store_token(days=30)
        revoked, _ = store_token(days=90)
        with unit_of_work():
            tokens.revoke(revoked, scope=None, actor="a test")
        set_clock(clock.now() + timedelta(days=31))
        for token_id in (expired, revoked):
            with pytest.raises(TokenEnded), unit_of_work():
                tokens.rotate(token_id, scope=None, actor="a test")

    @pytest.mark.parametrize("grace", [timedelta(seconds=-1), timedelta(days=31)])
    def test_a_grace_period_out_of_range_is_refused(self, app: Hub, grace: timedelta) -> None:
        token_id, _ = store_token()
        with pytest.raises(Invalid), unit_of_work():
            tokens.rotate(token_id, scope=None, actor="a test", grace=grace)


class TestCreation:
    @pytest.mark.parametrize("role", ROLES)
    def test_abilities_that_the_role_lacks_are_refused(self, app: Hub, role: str) -> None:
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
    def test_an_invalid_field_is_named(self, app: Hub, facts: dict[str, Any], field: str) -> None:
        with pytest.raises(Invalid) as refused, unit_of_work():
            a_token(**facts)
        assert list(refused.value.errors or {}) == [field]
        assert rows(AccessToken) == []

    @pytest.mark.parametrize("days", [30, 90, 180, 365])
    def test_the_lifetime_is_stored(self, app: Hub, days: int) -> None:
        store_token(days=days)
        [token] = rows(AccessToken)
        assert token.expires_at - token.created_at == timedelta(days=days)

    def test_the_default_lifetime_is_90_days(self, app: Hub) -> None:
        store_token()
        assert rows(AccessToken)[0].lifetime_days == 90

    def test_an_inactive_user_cannot_have_a_token(self, app: Hub) -> None:
        with pytest.raises(Invalid), unit_of_work():
            a_token(a_user(is_active=False))

    def test_every_change_is_in_the_audit_trail_without_secrets(self, app: Hub) -> None:
        token_id, first = store_token(allowlist=["10.0.0.0/8"])
        with unit_of_work():
            _, second = tokens.rotate(token_id, scope=None, actor="user:9")
        with unit_of_work():
            tokens.change_limits(token_id, calls=5, status_calls=2, scope=None, actor="user:9")
        for _ in range(2):
            with unit_of_work():
                tokens.revoke(token_id, scope=None, actor="user:9")
        entries = [entry for entry in rows(AuditEntry) if entry.subject == f"token:{token_id}"]
        assert [entry.action for entry in entries] == [
            "token.created",
            "token.rotated",
            "token.limits_changed",
            "token.revoked",
        ]
        assert entries[0].details["allowlist"] == ["10.0.0.0/8"]
        for plain in (first, second):
            assert plain.split("_")[2] not in str(entries)

    def test_a_token_of_another_user_is_not_found(self, app: Hub) -> None:
        token_id, _ = store_token()
        for change in (tokens.revoke, tokens.rotate):
            with pytest.raises(UnknownToken), unit_of_work():
                change(token_id, scope=2, actor="user:2")
        assert tokens.find(token_id, scope=1).id == token_id

    def test_tokens_that_expire_soon_are_listed(self, app: Hub, set_clock: SetClock) -> None:
        long, _ = store_token(days=90)
        short, _ = store_token(days=30)
        revoked, _ = store_token(days=30)
        with unit_of_work():
            tokens.revoke(revoked, scope=None, actor="a test")
        assert [token.id for token in tokens.expiring_tokens(scope=None)] == [short]
        assert tokens.expiring_tokens(scope=99) == []
        set_clock(clock.now() + timedelta(days=70))
        assert [token.id for token in tokens.expiring_tokens(scope=None)] == [long]


class TestQuota:
    def test_a_user_has_a_limited_number_of_valid_tokens(self, app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "TOKENS_PER_USER", 2)
        with unit_of_work():
            user = a_user()
            for _ in range(2):
                a_token(user)
        with pytest.raises(TooManyTokens), unit_of_work():
            a_token(user)
        with unit_of_work():
            a_token(a_user())
            tokens.revoke(1, scope=None, actor="a test")
            a_token(user)

    def test_two_requests_cannot_both_take_the_last_place(self, app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "TOKENS_PER_USER", 1)
        with unit_of_work():
            user = a_user()

        def make(_: int) -> bool:
            try:
                with app.app_context(), unit_of_work():
                    a_token(db.session.get_one(User, user.id))
            except TooManyTokens:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(lambda number: Context().run(make, number), range(6)))
        assert made.count(True) == 1
