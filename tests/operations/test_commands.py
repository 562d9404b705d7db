"""What operators type, and that every mistake is one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select

from app.accounts.models.accounts import ApiKey, AuditEntry, LoginSession, User
from app.accounts.models.tokens import AccessToken
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_user

Run = Callable[..., Result]
ANY = "/api/sales/invoices/"


@pytest.fixture
def run(app: Hub) -> Run:
    def type_in(*words: str, answer: str | None = None) -> Result:
        return app.test_cli_runner().invoke(args=list(words), input=answer)

    return type_in


def rows(model: Any) -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(model.__table__)))


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    line: str = result.output.strip()
    assert "\n" not in line
    return line


class TestUsers:
    def test_one_is_made_and_can_sign_in(self, run: Run, anybody: FlaskClient) -> None:
        result = run("users", "create", "Asha@Pharmacy.example", "--role", "billing", "--password", PASSWORD)
        assert result.exit_code == 0, result.output
        assert result.output == "Made user 1: asha@pharmacy.example (billing)\n"
        answer = anybody.post("/api/auth/login/", json={"email": "asha@pharmacy.example", "password": PASSWORD})
        assert answer.status_code == 200
        assert rows(AuditEntry)[0].actor == "command line"

    def test_a_password_is_asked_for_and_not_shown(self, run: Run) -> None:
        result = run("users", "create", "a@b.example", "--role", "admin", answer=f"{PASSWORD}\n{PASSWORD}\n")
        assert result.exit_code == 0, result.output
        assert PASSWORD not in result.output
        assert rows(User)[0].password_hash.startswith("$argon2id$")
        assert PASSWORD not in str(rows(User) + rows(AuditEntry))

    @pytest.mark.parametrize(
        ("email", "name", "password", "fault"),
        [
            ("nobody", "N", PASSWORD, "email: Expected an e-mail address of at most 254 characters."),
            ("", "N", PASSWORD, "email: Expected"),
            ("a b@c.example", "N", PASSWORD, "email: Expected"),
            ("a" * 250 + "@b.example", "N", PASSWORD, "email: Expected"),
            ("a@b.example", "N", "short", "password: Use 10 to 200 characters."),
            ("a@b.example", "N", "x" * 201, "password: Use 10 to 200 characters."),
            ("a@b.example", "x" * 201, PASSWORD, "name: Use 1 to 200 printable characters."),
            ("a@b.example", " ", PASSWORD, "name: Use 1"),
            ("a@b.example", "a\nb", PASSWORD, "name: Use 1"),
        ],
    )
    def test_what_is_wrong_is_named(self, run: Run, email: str, name: str, password: str, fault: str) -> None:
        result = run("users", "create", email, "--role", "admin", "--name", name, "--password", password)
        assert fault in refused(result)
        assert rows(User) == []

    def test_an_address_is_taken_once(self, run: Run) -> None:
        for _ in range(2):
            result = run("users", "create", "a@b.example", "--role", "admin", "--password", PASSWORD)
        assert refused(result) == "Error: A user with this e-mail address already exists."

    def test_roles_are_listed_when_one_is_wrong(self, run: Run) -> None:
        result = run("users", "create", "a@b.example", "--role", "king", "--password", PASSWORD)
        assert result.exit_code == 2
        assert "warehouse" in result.output

    def test_the_list_tells_who_is_active(self, run: Run) -> None:
        with unit_of_work():
            a_user(email="a@b.example", role="billing")
        assert run("users", "deactivate", "A@B.example").exit_code == 0
        assert "a@b.example" in run("users", "list").output
        assert "inactive" in run("users", "list").output
        assert run("users", "activate", "a@b.example").exit_code == 0
        assert "inactive" not in run("users", "list").output

    def test_a_new_password_signs_everybody_out(self, run: Run, client_as: Callable[..., FlaskClient]) -> None:
        client = client_as("billing", email="a@b.example")
        assert run("users", "password", "a@b.example", "--password", "a newer password").exit_code == 0
        assert client.get(ANY).status_code == 401
        assert [session.revoked_because for session in rows(LoginSession)] == ["password changed"]
        assert "a newer password" not in str(rows(AuditEntry))

    def test_a_role_is_changed_and_the_last_admin_stays(self, run: Run) -> None:
        with unit_of_work():
            a_user(email="a@b.example", role="admin")
            a_user(email="c@d.example", role="billing")
        assert run("users", "role", "c@d.example", "warehouse").output == "User 2 (c@d.example) is warehouse.\n"
        for words in (("role", "a@b.example", "billing"), ("deactivate", "a@b.example")):
            assert refused(run("users", *words)) == "Error: This is the last active admin; make another one first."

    @pytest.mark.parametrize("words", [("deactivate",), ("activate",), ("password", "--password", PASSWORD)])
    def test_nobody_has_an_unknown_address(self, run: Run, words: tuple[str, ...]) -> None:
        result = run("users", words[0], "nobody@b.example", *words[1:])
        assert refused(result) == "Error: No user has this e-mail address."


class TestApiKeys:
    def made(self, run: Run, *words: str) -> str:
        result = run("api-keys", "create", "ERP", *words)
        assert result.exit_code == 0, result.output
        *_, secret = result.output.splitlines()
        return secret

    def test_one_is_shown_once_and_opens_the_import(self, run: Run, anybody: FlaskClient) -> None:
        secret = self.made(run)
        assert anybody.get(ANY, headers={"X-API-KEY": secret}).status_code == 200
        listed = run("api-keys", "list").output
        assert secret not in listed
        assert secret[:8] in listed
        assert secret not in str(rows(ApiKey) + rows(AuditEntry))

    def test_it_may_be_tied_to_addresses_and_days(self, run: Run, anybody: FlaskClient) -> None:
        secret = self.made(run, "--allow", "192.0.2.0/24", "--allow", "2001:db8::1", "--days", "30")
        assert anybody.get(ANY, headers={"X-API-KEY": secret}).status_code == 403
        [key] = rows(ApiKey)
        assert key.allowlist == ["192.0.2.0/24", "2001:db8::1/128"]
        assert (key.expires_at - key.created_at).days == 30
        assert "until" in run("api-keys", "list").output

    def test_revoking_stops_it(self, run: Run, anybody: FlaskClient) -> None:
        secret = self.made(run)
        assert run("api-keys", "revoke", "1").output == "Revoked key 1 (ERP).\n"
        assert anybody.get(ANY, headers={"X-API-KEY": secret}).status_code == 401
        assert "revoked" in run("api-keys", "list").output

    def test_it_is_rotated_with_a_grace(self, run: Run, anybody: FlaskClient) -> None:
        old = self.made(run)
        *_, new = run("api-keys", "rotate", "1", "--grace", "0").output.splitlines()
        assert [anybody.get(ANY, headers={"X-API-KEY": key}).status_code for key in (old, new)] == [401, 200]

    def test_what_is_wrong_is_named(self, run: Run) -> None:
        assert "neither an address nor a network" in refused(run("api-keys", "create", "ERP", "--allow", "10.0.0.0/99"))
        assert "name: Use 1 to 200" in refused(run("api-keys", "create", "x" * 201))
        assert refused(run("api-keys", "revoke", "7")) == "Error: Not found."
        assert run("api-keys", "create", "ERP", "--days", "0").exit_code == 2
        assert rows(ApiKey) == []


class TestTokens:
    def made(self, run: Run, *words: str) -> str:
        run("users", "create", "asha@hub.example", "--role", "billing", "--password", PASSWORD)
        result = run("tokens", "create", "asha@hub.example", "Shop", *words)
        assert result.exit_code == 0, result.output
        *_, plain = result.output.splitlines()
        return plain

    def use(self, client: FlaskClient, plain: str) -> int:
        return client.get(ANY, headers={"Authorization": f"Bearer {plain}"}).status_code

    def test_one_is_shown_once_and_opens_what_it_names(self, run: Run, anybody: FlaskClient) -> None:
        plain = self.made(run, "--ability", "sales:read", "--ability", "sales:import", "--days", "30", "--calls", "2")
        assert self.use(anybody, plain) == 200
        listed = run("tokens", "list").output
        assert plain.split("_")[2] not in listed
        for shown in (plain.rsplit("_", 1)[0], "Shop", "asha@hub.example", "sales:import,sales:read", "until"):
            assert shown in listed
        [token] = rows(AccessToken)
        assert (token.lifetime_days, token.calls_per_minute, token.status_calls_per_minute) == (30, 2, 20)
        assert [entry.actor for entry in rows(AuditEntry)] == ["command line"] * 2

    def test_it_is_rotated_limited_and_revoked(self, run: Run, anybody: FlaskClient) -> None:
        old = self.made(run, "--ability", "sales:read")
        rotated = run("tokens", "rotate", "1", "--grace", "0")
        new = rotated.output.splitlines()[-1]
        assert [self.use(anybody, plain) for plain in (old, new)] == [401, 200]
        assert run("tokens", "limits", "1", "--calls", "1").output == (
            "Token 1 (Shop) may call 1 times a minute, provider-status 20.\n"
        )
        assert [self.use(anybody, new) for _ in range(2)] == [200, 429]
        assert run("tokens", "revoke", "1").output == "Revoked token 1 (Shop).\n"
        assert self.use(anybody, new) == 401
        assert f"revoked {clock.now():%Y-%m-%d}" in run("tokens", "list", "asha@hub.example").output
        assert "revoked" in refused(run("tokens", "rotate", "1"))

    def test_it_may_be_tied_to_addresses(self, run: Run, anybody: FlaskClient) -> None:
        plain = self.made(run, "--ability", "sales:read", "--allow", "192.0.2.0/24")
        assert self.use(anybody, plain) == 403

    def test_what_is_wrong_is_named(self, run: Run) -> None:
        self.made(run, "--ability", "sales:read")
        wrong = run("tokens", "create", "asha@hub.example", "Shop", "--ability", "webhooks:manage")
        assert refused(wrong) == "Error: abilities: The role billing does not have it: webhooks:manage."
        assert run("tokens", "create", "asha@hub.example", "Shop").exit_code == 2
        assert (
            run("tokens", "create", "asha@hub.example", "Shop", "--ability", "grn:read", "--days", "31").exit_code == 2
        )
        assert refused(run("tokens", "create", "x@hub.example", "Shop", "--ability", "grn:read")).startswith(
            "Error: No user"
        )
        assert refused(run("tokens", "list", "x@hub.example")) == "Error: No user has this e-mail address."
        assert refused(run("tokens", "revoke", "7")) == "Error: No such token."
        assert len(rows(AccessToken)) == 1


def test_a_database_that_is_gone_is_one_line(app: Hub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(db._app_engines[app], None, create_engine("postgresql+psycopg://hub@127.0.0.1:1/hub"))
    for words in (("users", "list"), ("api-keys", "list"), ("api-keys", "create", "ERP")):
        assert refused(run(*words)).startswith("Error: The database does not answer: connection failed")
