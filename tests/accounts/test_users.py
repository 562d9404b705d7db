"""Users: roles, passwords, search, and the rule that one active admin remains."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts import users
from app.accounts.errors import LastAdmin, UnknownUser
from app.accounts.models.accounts import AuditEntry, LoginSession, User
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_user


def audit_rows() -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(AuditEntry.__table__).order_by(AuditEntry.id)))


def store_users(**roles: str) -> list[User]:
    """Store users, given by name and role."""
    with unit_of_work():
        return [a_user(role=role, name=name) for name, role in roles.items()]


def log_in(client: FlaskClient, user: User, password: str) -> TestResponse:
    return client.post("/api/auth/login/", json={"email": user.email, "password": password})


class TestLastAdmin:
    @pytest.mark.parametrize("verb", ["deactivate", "demote"])
    def test_cannot_be_deactivated_or_demoted(self, app: Hub, verb: str) -> None:
        [admin, _] = store_users(a="admin", b="billing")
        with unit_of_work():
            a_user(role="admin", is_active=False)
        with pytest.raises(LastAdmin), unit_of_work():
            if verb == "demote":
                users.set_role(admin, "billing", actor="a test")
            else:
                users.set_active(admin, False, actor="a test")
        db.session.refresh(admin)
        assert (admin.role, admin.is_active) == ("admin", True)

    def test_can_be_demoted_when_there_is_another_admin(self, app: Hub) -> None:
        [first, second] = store_users(a="admin", b="admin")
        with unit_of_work():
            users.set_role(first, "billing", actor="a test")
        with pytest.raises(LastAdmin), unit_of_work():
            users.set_active(second, False, actor="a test")

    def test_remains_when_two_admins_remove_each_other(self, app: Hub) -> None:
        pair = [user.id for user in store_users(a="admin", b="admin")]

        def remove(user_id: int) -> bool:
            with app.app_context():
                try:
                    with unit_of_work():
                        users.set_active(users.find(user_id), False, actor="a test")
                except LastAdmin:
                    return False
                return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(remove, pair)) == [False, True]

    def test_is_not_affected_by_changes_of_other_users(self, app: Hub) -> None:
        [_, other] = store_users(a="admin", b="billing")
        with unit_of_work():
            users.set_role(other, "warehouse", actor="a test")
            users.set_active(other, False, actor="a test")
        assert [entry.action for entry in audit_rows()] == ["user.role_changed", "user.deactivated"]
        assert audit_rows()[0].details == {"before": "billing", "role": "warehouse"}


class TestRole:
    def test_applies_from_the_next_call(self, client_as: Callable[..., FlaskClient]) -> None:
        client_as("admin")
        client = client_as("billing")
        assert client.get("/api/v1/einvoices").json["error"] == "MODULE_NOT_ENABLED"
        with unit_of_work():
            users.set_role(users.find(2), "warehouse", actor="a test")
        assert "error" not in client.get("/api/v1/einvoices").json

    def test_unknown_role_is_refused(self, app: Hub) -> None:
        [user] = store_users(a="billing")
        with pytest.raises(Invalid) as refused:
            users.set_role(user, "king", actor="a test")
        assert "warehouse" in str(refused.value.errors)


class TestPasswords:
    def test_change_of_the_own_password_requires_the_present_one(self, app: Hub, anybody: FlaskClient) -> None:
        [user] = store_users(a="billing")
        assert log_in(anybody, user, PASSWORD).status_code == 200
        with pytest.raises(Invalid), unit_of_work():
            users.change_own_password(user, present="not the password", password="a newer password")
        with unit_of_work():
            users.change_own_password(user, present=PASSWORD, password="a newer password")
        assert log_in(anybody, user, PASSWORD).status_code == 401
        assert log_in(anybody, user, "a newer password").status_code == 200
        assert "user.password_changed" in [entry.action for entry in audit_rows()]
        for password in ("not the password", "a newer password", PASSWORD):
            assert password not in str(audit_rows())

    def test_reset_sets_a_generated_password_and_ends_all_sessions(self, app: Hub, anybody: FlaskClient) -> None:
        [user] = store_users(a="billing")
        log_in(anybody, user, PASSWORD)
        with unit_of_work():
            password = users.reset_password(user, actor="user:9")
        assert len(password) >= 20
        assert log_in(anybody, user, PASSWORD).status_code == 401
        assert log_in(anybody, user, password).status_code == 200
        with db.engine.connect() as connection:
            ended = connection.scalars(select(LoginSession.revoked_because).order_by(LoginSession.created_at)).all()
        assert ended == ["password changed", None]
        assert password not in str(audit_rows())

    def test_too_short_and_too_long_passwords_are_refused(self, app: Hub) -> None:
        [user] = store_users(a="billing")
        for password in ("short", "x" * 201):
            with pytest.raises(Invalid):
                users.change_own_password(user, present=PASSWORD, password=password)


def test_search_takes_wildcards_literally(app: Hub) -> None:
    store_users(Asha="billing", Banu="admin", **{"100%": "warehouse"})
    with app.test_request_context("/admin/users"):
        paging = {"page_size": 2, "cursor": "", "search": ""}
        first = users.find_page(paging)
        assert [user.name for user in first.results] == ["100%", "Banu"]
        cursor = parse_qs(urlsplit(first.next or "").query)["cursor"][0]
        second = users.find_page({**paging, "cursor": cursor})
        assert ([user.name for user in second.results], second.next) == (["Asha"], None)
        assert [user.name for user in users.find_page({**paging, "search": "ASHA"}).results] == ["Asha"]
        assert [user.name for user in users.find_page({**paging, "search": "0%"}).results] == ["100%"]
        assert users.find_page({**paging, "search": "_"}).results == []


def test_an_unknown_id_is_refused(app: Hub) -> None:
    with pytest.raises(UnknownUser):
        users.find(99)
