"""Commands for scoped tokens."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.accounts.models.tokens import AccessToken
from app.kernel import clock
from tests.factories import PASSWORD
from tests.operations.cli.cli_helpers import INVOICES, Run, error_line, stored_rows


class TestTokens:
    def create(self, run: Run, *words: str) -> str:
        run("users", "create", "asha@hub.example", "--role", "billing", "--password", PASSWORD)
        result = run("tokens", "create", "asha@hub.example", "Shop", *words)
        assert result.exit_code == 0, result.output
        *_, plain = result.output.splitlines()
        return plain

    def use(self, client: FlaskClient, plain: str) -> int:
        return client.get(INVOICES, headers={"Authorization": f"Bearer {plain}"}).status_code

    def test_a_token_is_shown_once_and_has_its_abilities(self, run: Run, anybody: FlaskClient) -> None:
        plain = self.create(run, "--ability", "sales:read", "--ability", "sales:import", "--days", "30", "--calls", "2")
        assert self.use(anybody, plain) == 200
        listed = run("tokens", "list").output
        assert plain.split("_")[2] not in listed
        for shown in (plain.rsplit("_", 1)[0], "Shop", "asha@hub.example", "sales:import,sales:read", "until"):
            assert shown in listed
        [token] = stored_rows(AccessToken)
        assert (token.lifetime_days, token.calls_per_minute, token.status_calls_per_minute) == (30, 2, 20)
        assert [entry.actor for entry in stored_rows(AuditEntry)] == ["command line"] * 2

    def test_a_token_is_rotated_limited_and_revoked(self, run: Run, anybody: FlaskClient) -> None:
        old = self.create(run, "--ability", "sales:read")
        rotated = run("tokens", "rotate", "1", "--grace", "0")
        new = rotated.output.splitlines()[-1]
        assert [self.use(anybody, plain) for plain in (old, new)] == [401, 200]
        assert run("tokens", "limits", "1", "--calls", "1").output == (
            "Token 1 (Shop) may call 1 times a minute, provider-status 20.\nAllowed addresses: all.\n"
        )
        narrowed = run("tokens", "limits", "1", "--calls", "60", "--allow", "192.0.2.7", "--allow", "10.0.0.0/8")
        assert "Allowed addresses: 192.0.2.7/32, 10.0.0.0/8." in narrowed.output
        assert "10.0.0.0/8" in run("tokens", "limits", "1", "--calls", "1").output
        assert "all." in run("tokens", "limits", "1", "--calls", "1", "--allow-all").output
        assert [self.use(anybody, new) for _ in range(2)] == [200, 429]
        assert run("tokens", "revoke", "1").output == "Revoked token 1 (Shop).\n"
        assert self.use(anybody, new) == 401
        assert f"revoked {clock.now():%Y-%m-%d}" in run("tokens", "list", "asha@hub.example").output
        assert "revoked" in error_line(run("tokens", "rotate", "1"))

    def test_a_token_can_be_limited_to_addresses(self, run: Run, anybody: FlaskClient) -> None:
        plain = self.create(run, "--ability", "sales:read", "--allow", "192.0.2.0/24")
        assert self.use(anybody, plain) == 403

    def test_invalid_input_is_one_line_by_field(self, run: Run) -> None:
        self.create(run, "--ability", "sales:read")
        wrong = run("tokens", "create", "asha@hub.example", "Shop", "--ability", "webhooks:manage")
        assert error_line(wrong) == "Error: abilities: The role billing does not have it: webhooks:manage."
        assert run("tokens", "create", "asha@hub.example", "Shop").exit_code == 2
        assert (
            run("tokens", "create", "asha@hub.example", "Shop", "--ability", "grn:read", "--days", "31").exit_code == 2
        )
        assert error_line(run("tokens", "create", "x@hub.example", "Shop", "--ability", "grn:read")).startswith(
            "Error: No user"
        )
        assert error_line(run("tokens", "list", "x@hub.example")) == "Error: No user has this e-mail address."
        assert error_line(run("tokens", "revoke", "7")) == "Error: No such token."
        assert len(stored_rows(AccessToken)) == 1
