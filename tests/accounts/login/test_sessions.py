"""Login sessions of the API: login, refresh, logout, expiry, reuse of a refresh token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_jwt_extended import create_access_token, create_refresh_token
from werkzeug.test import TestResponse

from app.accounts import users
from app.accounts.login import sessions
from app.accounts.models.accounts import AuditEntry, LoginSession, User
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_user

ME = "/api/auth/me/"


@pytest.fixture
def asha(app: Hub) -> User:
    with unit_of_work():
        return a_user(email="asha@pharmacy.example", name="Asha", role="billing")


def log_in(client: FlaskClient, email: str = "asha@pharmacy.example", password: str = PASSWORD) -> TestResponse:
    return client.post("/api/auth/login/", json={"email": email, "password": password})


def refresh(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/api/auth/token/refresh/", json={"refresh": token})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def tokens(client: FlaskClient) -> dict[str, Any]:
    answer = log_in(client)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def audit_rows() -> list[tuple[str, str, str]]:
    with db.engine.connect() as connection:
        rows = connection.execute(AuditEntry.__table__.select().order_by(AuditEntry.id))
        return [(row.action, row.actor, row.subject) for row in rows]


@pytest.mark.usefixtures("asha")
class TestLogIn:
    def test_returns_an_access_token_for_an_hour_and_a_refresh_token_for_a_week(self, anybody: FlaskClient) -> None:
        answer = log_in(anybody)
        assert answer.status_code == 200
        assert answer.json["success"] is True
        assert set(answer.json["data"]) == {"access", "refresh", "expires_in"}
        assert answer.json["data"]["expires_in"] == 3600
        session = db.session.query(LoginSession).one()
        assert timedelta(days=6, hours=23) < session.expires_at - clock.now() <= timedelta(days=7)

    def test_me_shows_the_user_and_the_abilities(self, anybody: FlaskClient, asha: User) -> None:
        answer = anybody.get(ME, headers=bearer(tokens(anybody)["access"]))
        shown = answer.json["data"]
        assert (shown["id"], shown["email"], shown["role"]) == (asha.id, "asha@pharmacy.example", "billing")
        assert "sales:import" in shown["abilities"]
        assert "grn:write" not in shown["abilities"]
        assert shown["last_login_at"].endswith("Z")
        assert "password" not in answer.text

    @pytest.mark.parametrize("email", ["ASHA@Pharmacy.Example", "  asha@pharmacy.example "])
    def test_the_case_of_the_address_does_not_matter(self, anybody: FlaskClient, email: str) -> None:
        assert log_in(anybody, email).status_code == 200

    def test_wrong_password_unknown_address_and_inactive_user_get_the_same_answer(self, anybody: FlaskClient) -> None:
        with unit_of_work():
            a_user(email="gone@pharmacy.example", is_active=False)
        refused = [
            log_in(anybody, password="not it at all"),
            log_in(anybody, email="nobody@pharmacy.example"),
            log_in(anybody, email="gone@pharmacy.example"),
        ]
        bodies = {(answer.status_code, answer.text) for answer in refused}
        assert bodies == {(401, '{"success":false,"message":"E-mail or password is wrong."}')}

    def test_a_hash_is_verified_for_an_unknown_address_too(
        self, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checked: list[str] = []
        real = sessions.passwords._hasher.verify

        class Counting:
            def verify(self, password_hash: str, password: str) -> bool:
                checked.append(password_hash)
                return real(password_hash, password)

        monkeypatch.setattr(sessions.passwords, "_hasher", Counting())
        log_in(anybody, email="nobody@pharmacy.example")
        log_in(anybody, password="not it at all")
        assert len(checked) == 2

    def test_both_outcomes_are_in_the_audit_trail_without_the_input(self, anybody: FlaskClient, asha: User) -> None:
        log_in(anybody)
        log_in(anybody, password="not it at all")
        log_in(anybody, email="hunter2-typed-into-the-wrong-field")
        trail = audit_rows()
        assert [entry[0] for entry in trail] == ["session.opened", "session.refused", "session.refused"]
        assert [entry[2] for entry in trail[1:]] == [f"user:{asha.id}", "user:unknown"]
        with db.engine.connect() as connection:
            written = str(connection.execute(AuditEntry.__table__.select()).all())
        for secret in (PASSWORD, "not it at all", "hunter2"):
            assert secret not in written

    @pytest.mark.parametrize(
        ("payload", "field"),
        [
            ({"password": "x"}, "email"),
            ({"email": "a@b.example"}, "password"),
            ({"email": "", "password": "x"}, "email"),
            ({"email": "x" * 255, "password": "x"}, "email"),
            ({"email": "a\0@b.example", "password": "x"}, "email"),
            ({"email": "a@b.example", "password": "x" * 201}, "password"),
            ({"email": "a@b.example", "password": 1}, "password"),
            ({"email": "a@b.example", "password": "x", "otp": "1"}, "otp"),
        ],
    )
    def test_an_invalid_field_is_named(self, anybody: FlaskClient, payload: dict[str, Any], field: str) -> None:
        answer = anybody.post("/api/auth/login/", json=payload)
        assert answer.status_code == 400
        assert list(answer.json["errors"]) == [field]


@pytest.mark.usefixtures("asha")
class TestRefresh:
    def test_gives_new_tokens_that_work(self, anybody: FlaskClient) -> None:
        first = tokens(anybody)
        answer = refresh(anybody, first["refresh"])
        assert answer.status_code == 200
        second = answer.json["data"]
        assert second["refresh"] != first["refresh"]
        assert anybody.get(ME, headers=bearer(second["access"])).status_code == 200
        assert refresh(anybody, second["refresh"]).status_code == 200

    def test_a_reused_refresh_token_ends_the_whole_session(self, anybody: FlaskClient) -> None:
        first = tokens(anybody)
        second = refresh(anybody, first["refresh"]).json["data"]
        stolen = refresh(anybody, first["refresh"])
        assert (stolen.status_code, stolen.json["message"]) == (401, "Token is invalid.")
        assert refresh(anybody, second["refresh"]).status_code == 401
        assert anybody.get(ME, headers=bearer(second["access"])).status_code == 401
        ended = db.session.query(LoginSession).one()
        assert ended.revoked_because == "refresh token reused"
        assert "session.ended" in [action for action, *_ in audit_rows()]

    def test_other_sessions_of_the_same_user_continue(self, anybody: FlaskClient) -> None:
        stolen, other = tokens(anybody), tokens(anybody)
        refresh(anybody, stolen["refresh"])
        refresh(anybody, stolen["refresh"])
        assert anybody.get(ME, headers=bearer(other["access"])).status_code == 200

    def test_an_expired_token_has_its_own_error_code(self, anybody: FlaskClient) -> None:
        tokens(anybody)
        session = db.session.query(LoginSession).one()
        old = create_refresh_token(
            str(session.user_id), expires_delta=timedelta(seconds=-1), additional_claims={"sid": str(session.id)}
        )
        answer = refresh(anybody, old)
        assert answer.status_code == 401
        assert answer.json == {"success": False, "message": "Token has expired.", "code": "TOKEN_EXPIRED"}

    def test_an_access_token_is_no_refresh_token(self, anybody: FlaskClient) -> None:
        assert refresh(anybody, tokens(anybody)["access"]).status_code == 401

    def test_a_refresh_token_is_no_access_token(self, anybody: FlaskClient) -> None:
        assert anybody.get(ME, headers=bearer(tokens(anybody)["refresh"])).status_code == 401

    @pytest.mark.parametrize("token", ["x", "a.b.c", "é", "eyJhbGciOiJub25lIn0.e30.", "." * 4096])
    def test_a_malformed_token_is_invalid(self, anybody: FlaskClient, token: str) -> None:
        answer = refresh(anybody, token)
        assert (answer.status_code, answer.json["message"]) == (401, "Token is invalid.")

    def test_a_deactivated_user_gets_no_new_tokens(self, anybody: FlaskClient, asha: User) -> None:
        first = tokens(anybody)
        with unit_of_work():
            users.set_active(users.get_user_by_email(asha.email), False, actor="a test")
        assert refresh(anybody, first["refresh"]).status_code == 401


@pytest.mark.usefixtures("asha")
class TestLogOut:
    def test_ends_both_tokens_at_once(self, anybody: FlaskClient) -> None:
        issued = tokens(anybody)
        answer = anybody.post("/api/auth/logout/", headers=bearer(issued["access"]))
        assert answer.json == {"success": True, "message": "Signed out"}
        assert anybody.get(ME, headers=bearer(issued["access"])).status_code == 401
        assert refresh(anybody, issued["refresh"]).status_code == 401
        assert anybody.post("/api/auth/logout/", headers=bearer(issued["access"])).status_code == 401

    def test_requires_a_signed_in_user(self, anybody: FlaskClient, erp: FlaskClient) -> None:
        assert anybody.post("/api/auth/logout/").status_code == 401
        assert erp.post("/api/auth/logout/").status_code == 403


@pytest.mark.usefixtures("asha")
class TestAccess:
    def test_an_expired_token_has_its_own_error_code(self, anybody: FlaskClient) -> None:
        tokens(anybody)
        session = db.session.query(LoginSession).one()
        old = create_access_token(
            str(session.user_id), expires_delta=timedelta(seconds=-1), additional_claims={"sid": str(session.id)}
        )
        answer = anybody.get(ME, headers=bearer(old))
        assert answer.status_code == 401
        assert answer.json["code"] == "TOKEN_EXPIRED"

    @pytest.mark.parametrize("claims", [{}, {"sid": "00000000-0000-0000-0000-000000000000"}])
    def test_a_token_without_a_session_is_invalid(self, anybody: FlaskClient, claims: dict[str, str]) -> None:
        answer = anybody.get(ME, headers=bearer(create_access_token("1", additional_claims=claims)))
        assert (answer.status_code, answer.json["message"]) == (401, "Token is invalid.")

    @pytest.mark.parametrize("value", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "ihub_abc_def", "\x7f"])
    def test_a_malformed_token_is_invalid(self, anybody: FlaskClient, value: str) -> None:
        answer = anybody.get(ME, headers=bearer(value))
        assert (answer.status_code, answer.json["message"]) == (401, "Token is invalid.")

    @pytest.mark.parametrize("value", ["Bearer", "Bearer a b", "Basic dXNlcjpwYXNz", "bearer", ""])
    def test_a_header_without_a_token_is_refused(self, anybody: FlaskClient, value: str) -> None:
        answer = anybody.get(ME, headers={"Authorization": value})
        assert answer.status_code == 401

    def test_a_deactivated_user_is_refused_at_once(
        self, anybody: FlaskClient, asha: User, client_as: Callable[..., FlaskClient]
    ) -> None:
        access = tokens(anybody)["access"]
        with unit_of_work():
            users.set_active(users.get_user_by_email(asha.email), False, actor="a test")
        assert anybody.get(ME, headers=bearer(access)).status_code == 401
        with unit_of_work():
            users.set_active(users.get_user_by_email(asha.email), True, actor="a test")
        assert anybody.get(ME, headers=bearer(access)).status_code == 401, (
            "activation does not restore an ended session"
        )
        assert log_in(anybody).status_code == 200

    def test_a_new_password_ends_all_sessions(self, anybody: FlaskClient, asha: User) -> None:
        access = tokens(anybody)["access"]
        with unit_of_work():
            users.change_password(users.get_user_by_email(asha.email), "another good password", actor="a test")
        assert anybody.get(ME, headers=bearer(access)).status_code == 401
        assert log_in(anybody).status_code == 401
        assert log_in(anybody, password="another good password").status_code == 200

    def test_a_request_without_credential_is_refused(self, anybody: FlaskClient) -> None:
        answer = anybody.get(ME)
        assert answer.status_code == 401
        assert answer.json == {"success": False, "message": "Authentication credentials were not provided."}
