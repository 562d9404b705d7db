"""Commands for users and API keys; every error is one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine

from app.accounts.models.accounts import ApiKey, AuditEntry, LoginSession, User
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_user
from tests.operations.cli.cli_helpers import INVOICES, Run, error_line, stored_rows


class TestUsers:
    def test_a_created_user_can_sign_in(self, run: Run, anybody: FlaskClient) -> None:
        result = run("users", "create", "Asha@Pharmacy.example", "--role", "billing", "--password", PASSWORD)
        assert result.exit_code == 0, result.output
        assert result.output == "Created user 1: asha@pharmacy.example (billing)\n"
        answer = anybody.post("/api/auth/login/", json={"email": "asha@pharmacy.example", "password": PASSWORD})
        assert answer.status_code == 200
        assert stored_rows(AuditEntry)[0].actor == "command line"

    def test_the_password_prompt_shows_no_password(self, run: Run) -> None:
        result = run("users", "create", "a@b.example", "--role", "admin", answer=f"{PASSWORD}\n{PASSWORD}\n")
        assert result.exit_code == 0, result.output
        assert PASSWORD not in result.output
        assert stored_rows(User)[0].password_hash.startswith("$argon2id$")
        assert PASSWORD not in str(stored_rows(User) + stored_rows(AuditEntry))

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
    def test_invalid_input_is_one_line_by_field(
        self, run: Run, email: str, name: str, password: str, fault: str
    ) -> None:
        result = run("users", "create", email, "--role", "admin", "--name", name, "--password", password)
        assert fault in error_line(result)
        assert stored_rows(User) == []

    def test_an_email_address_is_unique(self, run: Run) -> None:
        for _ in range(2):
            result = run("users", "create", "a@b.example", "--role", "admin", "--password", PASSWORD)
        assert error_line(result) == "Error: A user with this e-mail address already exists."

    def test_an_unknown_role_lists_the_roles(self, run: Run) -> None:
        result = run("users", "create", "a@b.example", "--role", "king", "--password", PASSWORD)
        assert result.exit_code == 2
        assert "warehouse" in result.output

    def test_the_list_shows_active_and_inactive_users(self, run: Run) -> None:
        with unit_of_work():
            a_user(email="a@b.example", role="billing")
        assert run("users", "deactivate", "A@B.example").exit_code == 0
        assert "a@b.example" in run("users", "list").output
        assert "inactive" in run("users", "list").output
        assert run("users", "activate", "a@b.example").exit_code == 0
        assert "inactive" not in run("users", "list").output

    def test_a_new_password_ends_all_sessions(self, run: Run, client_as: Callable[..., FlaskClient]) -> None:
        client = client_as("billing", email="a@b.example")
        assert run("users", "password", "a@b.example", "--password", "a newer password").exit_code == 0
        assert client.get(INVOICES).status_code == 401
        assert [session.revoked_because for session in stored_rows(LoginSession)] == ["password changed"]
        assert "a newer password" not in str(stored_rows(AuditEntry))

    def test_an_invitation_creates_the_user_and_its_link_works_once(
        self, run: Run, app: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "PUBLIC_URL", "https://hub.example")
        link = run("users", "invite", "banu@b.example", "--role", "billing", "--name", "Banu").output.splitlines()[-1]
        assert link.startswith("https://hub.example/admin/invitation/ihub_inv_")
        client, path = app.test_client(), link.removeprefix("https://hub.example")
        assert "Welcome, Banu." in client.get(path).text
        assert error_line(run("users", "invite", "nobody@b.example")).startswith("Error: ")

    def test_the_last_admin_keeps_its_role(self, run: Run) -> None:
        with unit_of_work():
            a_user(email="a@b.example", role="admin")
            a_user(email="c@d.example", role="billing")
        assert run("users", "role", "c@d.example", "warehouse").output == "User 2 (c@d.example) is warehouse.\n"
        for words in (("role", "a@b.example", "billing"), ("deactivate", "a@b.example")):
            assert error_line(run("users", *words)) == "Error: This is the last active admin; make another one first."

    @pytest.mark.parametrize("words", [("deactivate",), ("activate",), ("password", "--password", PASSWORD)])
    def test_an_unknown_email_address_is_refused(self, run: Run, words: tuple[str, ...]) -> None:
        result = run("users", words[0], "nobody@b.example", *words[1:])
        assert error_line(result) == "Error: No user has this e-mail address."


class TestApiKeys:
    def create(self, run: Run, *words: str) -> str:
        result = run("api-keys", "create", "ERP", *words)
        assert result.exit_code == 0, result.output
        *_, secret = result.output.splitlines()
        return secret

    def test_a_key_is_shown_once_and_authenticates(self, run: Run, anybody: FlaskClient) -> None:
        secret = self.create(run)
        assert anybody.get(INVOICES, headers={"X-API-KEY": secret}).status_code == 200
        listed = run("api-keys", "list").output
        assert secret not in listed
        assert secret[:8] in listed
        assert secret not in str(stored_rows(ApiKey) + stored_rows(AuditEntry))

    def test_a_key_can_be_limited_to_addresses_and_days(self, run: Run, anybody: FlaskClient) -> None:
        secret = self.create(run, "--allow", "192.0.2.0/24", "--allow", "2001:db8::1", "--days", "30")
        assert anybody.get(INVOICES, headers={"X-API-KEY": secret}).status_code == 403
        [key] = stored_rows(ApiKey)
        assert key.allowlist == ["192.0.2.0/24", "2001:db8::1/128"]
        assert (key.expires_at - key.created_at).days == 30
        assert "until" in run("api-keys", "list").output

    def test_a_revoked_key_is_refused(self, run: Run, anybody: FlaskClient) -> None:
        secret = self.create(run)
        assert run("api-keys", "revoke", "1").output == "Revoked key 1 (ERP).\n"
        assert anybody.get(INVOICES, headers={"X-API-KEY": secret}).status_code == 401
        assert "revoked" in run("api-keys", "list").output

    def test_a_key_is_rotated_with_a_grace_period(self, run: Run, anybody: FlaskClient) -> None:
        old = self.create(run)
        *_, new = run("api-keys", "rotate", "1", "--grace", "0").output.splitlines()
        assert [anybody.get(INVOICES, headers={"X-API-KEY": key}).status_code for key in (old, new)] == [401, 200]

    def test_invalid_input_is_one_line_by_field(self, run: Run) -> None:
        assert "neither an address nor a network" in error_line(
            run("api-keys", "create", "ERP", "--allow", "10.0.0.0/99")
        )
        assert "name: Use 1 to 200" in error_line(run("api-keys", "create", "x" * 201))
        assert error_line(run("api-keys", "revoke", "7")) == "Error: Not found."
        assert run("api-keys", "create", "ERP", "--days", "0").exit_code == 2
        assert stored_rows(ApiKey) == []


def test_a_database_without_answer_is_one_line(app: Hub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(db._app_engines[app], None, create_engine("postgresql+psycopg://hub@127.0.0.1:1/hub"))
    for words in (("users", "list"), ("api-keys", "list"), ("api-keys", "create", "ERP")):
        assert error_line(run(*words)).startswith("Error: The database does not answer: connection failed")
