"""Users: roles, passwords, and that an admin is always left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts import passwords
from app.accounts import users as accounts_users
from app.accounts.errors import LastAdmin, UnknownUser
from app.accounts.models.accounts import AuditEntry, LoginSession, User
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_user


def written() -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(AuditEntry.__table__).order_by(AuditEntry.id)))


def users(**facts: str) -> list[User]:
    """Stored users, one for each role that is named."""
    with unit_of_work():
        return [a_user(role=role, name=name) for name, role in facts.items()]


def log_in(client: FlaskClient, user: User, password: str) -> TestResponse:
    return client.post("/api/auth/login/", json={"email": user.email, "password": password})


class TestTheLastAdmin:
    @pytest.mark.parametrize("verb", ["deactivate", "demote"])
    def test_stays(self, app: Hub, verb: str) -> None:
        [admin, _] = users(a="admin", b="billing")
        with unit_of_work():
            a_user(role="admin", is_active=False)
        with pytest.raises(LastAdmin), unit_of_work():
            if verb == "demote":
                accounts_users.set_role(admin, "billing", actor="a test")
            else:
                accounts_users.set_active(admin, False, actor="a test")
        db.session.refresh(admin)
        assert (admin.role, admin.is_active) == ("admin", True)

    def test_may_go_once_there_is_another(self, app: Hub) -> None:
        [first, second] = users(a="admin", b="admin")
        with unit_of_work():
            accounts_users.set_role(first, "billing", actor="a test")
        with pytest.raises(LastAdmin), unit_of_work():
            accounts_users.set_active(second, False, actor="a test")

    def test_is_left_when_two_remove_each_other_at_once(self, app: Hub) -> None:
        pair = [user.id for user in users(a="admin", b="admin")]

        def remove(user_id: int) -> bool:
            with app.app_context():
                try:
                    with unit_of_work():
                        accounts_users.set_active(accounts_users.find(user_id), False, actor="a test")
                except LastAdmin:
                    return False
                return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(remove, pair)) == [False, True]

    def test_is_kept_by_nobody_elses_role(self, app: Hub) -> None:
        [_, other] = users(a="admin", b="billing")
        with unit_of_work():
            accounts_users.set_role(other, "warehouse", actor="a test")
            accounts_users.set_active(other, False, actor="a test")
        assert [entry.action for entry in written()] == ["user.role_changed", "user.deactivated"]
        assert written()[0].details == {"before": "billing", "role": "warehouse"}


class TestRole:
    def test_counts_from_the_next_call(self, client_as: Callable[..., FlaskClient]) -> None:
        client_as("admin")
        client = client_as("billing")
        assert client.get("/api/v1/einvoices").json["error"] == "MODULE_NOT_ENABLED"
        with unit_of_work():
            accounts_users.set_role(accounts_users.find(2), "warehouse", actor="a test")
        assert "error" not in client.get("/api/v1/einvoices").json

    def test_is_one_of_those_that_there_are(self, app: Hub) -> None:
        [user] = users(a="billing")
        with pytest.raises(Invalid) as refused:
            accounts_users.set_role(user, "king", actor="a test")
        assert "warehouse" in str(refused.value.errors)


class TestPasswords:
    def test_of_ones_own_needs_the_present_one(self, app: Hub, anybody: FlaskClient) -> None:
        [user] = users(a="billing")
        assert log_in(anybody, user, PASSWORD).status_code == 200
        with pytest.raises(Invalid), unit_of_work():
            accounts_users.change_own_password(user, present="not the password", password="a newer password")
        with unit_of_work():
            accounts_users.change_own_password(user, present=PASSWORD, password="a newer password")
        assert log_in(anybody, user, PASSWORD).status_code == 401
        assert log_in(anybody, user, "a newer password").status_code == 200
        assert "user.password_changed" in [entry.action for entry in written()]
        for password in ("not the password", "a newer password", PASSWORD):
            assert password not in str(written())

    def test_that_was_forgotten_is_replaced_and_ends_all_sessions(self, app: Hub, anybody: FlaskClient) -> None:
        [user] = users(a="billing")
        log_in(anybody, user, PASSWORD)
        with unit_of_work():
            password = accounts_users.reset_password(user, actor="user:9")
        assert len(password) >= 20
        assert log_in(anybody, user, PASSWORD).status_code == 401
        assert log_in(anybody, user, password).status_code == 200
        with db.engine.connect() as connection:
            ended = connection.scalars(select(LoginSession.revoked_because).order_by(LoginSession.created_at)).all()
        assert ended == ["password changed", None]
        assert password not in str(written())

    def test_has_a_length(self, app: Hub) -> None:
        [user] = users(a="billing")
        for password in ("short", "x" * 201):
            with pytest.raises(Invalid):
                accounts_users.change_own_password(user, present=PASSWORD, password=password)


def test_pages_of_users_are_searched_as_typed(app: Hub) -> None:
    users(Asha="billing", Banu="admin", **{"100%": "warehouse"})
    with app.test_request_context("/admin/users"):
        paging = {"page": 1, "page_size": 2, "cursor": None, "search": ""}
        first = accounts_users.find_page(paging)
        assert [user.name for user in first.results] == ["100%", "Banu"]
        assert first.next == "/admin/users?page=2&page_size=2"
        assert [user.name for user in accounts_users.find_page({**paging, "search": "ASHA"}).results] == ["Asha"]
        assert [user.name for user in accounts_users.find_page({**paging, "search": "0%"}).results] == ["100%"]
        assert accounts_users.find_page({**paging, "search": "_"}).count == 0


def test_nobody_has_an_unknown_id(app: Hub) -> None:
    with pytest.raises(UnknownUser):
        accounts_users.find(99)


def test_nobody_takes_as_long_as_somebody() -> None:
    assert not passwords._hasher.check_needs_rehash(passwords._DUMMY_HASH)
    assert not passwords.verify_password(None, "nobody has this password")
