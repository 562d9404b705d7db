"""Every command: what it changes is in the audit trail, or it is listed as a reader or with its own record."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from app.accounts.models.accounts import AuditEntry
from app.kernel.http.app import Hub
from tests.factories import PASSWORD
from tests.operations.cli.cli_helpers import Run, stored_rows
from tests.webhooks.fixtures import Subscribed

EMAIL = "asha@pharmacy.example"
#: Each command that changes who may do what, in an order in which all work, and its action in the audit trail.
AUDITED = {
    ("users", "create", EMAIL, "--role", "billing", "--password", PASSWORD): "user.created",
    ("users", "password", EMAIL, "--password", PASSWORD + "2"): "user.password_changed",
    ("users", "role", EMAIL, "warehouse"): "user.role_changed",
    ("users", "invite", EMAIL): "user.invited",
    ("api-keys", "create", "ERP"): "api_key.created",
    ("api-keys", "rotate", "1"): "api_key.rotated",
    ("api-keys", "revoke", "2"): "api_key.revoked",
    ("modules", "enable", EMAIL, "feature.einvoice_api"): "module.enabled",
    ("modules", "disable", EMAIL, "feature.einvoice_api"): "module.disabled",
    ("tokens", "create", EMAIL, "ERP", "--ability", "sales:read"): "token.created",
    ("tokens", "rotate", "1"): "token.rotated",
    ("tokens", "limits", "1", "--calls", "90"): "token.limits_changed",
    ("tokens", "revoke", "1"): "token.revoked",
    ("webhooks", "disable", "1"): "webhook_endpoint.disabled",
    ("webhooks", "enable", "1"): "webhook_endpoint.enabled",
    ("webhooks", "recover", "1", "--since", "2026-01-01"): "webhook_endpoint.recovered",
    ("webhooks", "reseal", "--old-key", "the key before"): "webhook_secrets.resealed",
    ("einvoices", "seller", EMAIL, "--name", "Asha Ltd.", "--country", "IN"): "seller.changed",
    ("einvoices", "link", "1", "--days", "30"): "einvoice.link_created",
    ("einvoices", "revoke-link", "1", "1"): "einvoice.link_revoked",
    ("einvoices", "cancel", "3", "--reason", "Ordered twice"): "einvoice.cancelled",
    ("einvoices", "correct", "4", "--reason", "Wrong tax number"): "einvoice.corrected",
    ("einvoices", "settle-doubt", "1", "--taken", "--reason", "Seen in the portal"): "einvoice.doubt_settled",
    ("einvoices", "remove-personal-data", "--issued-before", "2999-01-01"): "einvoice.personal_data_removed",
    ("einvoices", "issue", "2"): "einvoice.issued",
    ("einvoices", "send", "2"): "einvoice.queued",
    ("einvoices", "accounts", "test", "1"): "provider_account.tested",
    ("einvoices", "accounts", "create", EMAIL, "Second", "--adapter", "null"): "provider_account.created",
    ("einvoices", "accounts", "change", "1", "--name", "First"): "provider_account.changed",
    ("einvoices", "accounts", "rotate", "1"): "provider_account.secret_rotated",
    ("einvoices", "accounts", "disable", "1"): "provider_account.changed",
    ("einvoices", "accounts", "enable", "1"): "provider_account.changed",
    ("einvoices", "accounts", "archive", "1"): "provider_account.deleted",
    ("users", "deactivate", EMAIL): "user.deactivated",
    ("users", "activate", EMAIL): "user.activated",
}
#: Commands that change nothing.
READERS = {
    *("api-keys list", "einvoices accounts list", "einvoices check", "einvoices in-doubt", "einvoices links"),
    *("einvoices readiness", "einvoices series", "einvoices write", "einvoices official-report"),
    *("hub doctor", "hub verify", "hub wait-for-schema", "modules list", "tokens list", "users list", "webhooks list"),
}
#: Commands with a record of their own, and what it is.
OTHERS = {
    "sales import": "each invoice has its event",
    "einvoices test-provider": "provider_settings.tested, also when it fails; it needs a provider",
    "einvoices pdf": "a PDF of the same data is the same, byte for byte",
    "einvoices recheck": "each check says when it was made, and by which rules",
    "hub backup": "backup.created: tests/operations/backup",
    "hub migrate": "it changes the schema: tests/test_migrations.py",
    "hub partitions": "it changes no data: the next months get places for their rows",
    "hub storage move": "storage.moved: tests/operations/test_storage_move.py",
    "hub restore": "backup.restored in the restored trail: tests/operations/backup/test_restore.py",
    "provider-simulator": "it has no part of the hub: its list is a file of its own",
    "provider-simulator-account": "the account that it makes has its entries; it needs a free port",
    "local bootstrap": "the first start of `make run`, before there is a user",
}
#: Groups of Flask's extensions.
FOREIGN = {"db", "openapi", "run", "shell", "routes"}


def commands(command: click.Command, *words: str) -> Iterator[str]:
    """The full names of all commands below ``command``."""
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            if words or name not in FOREIGN:
                yield from commands(child, *words, name)
    else:
        yield " ".join(words)


def test_every_command_is_audited_or_has_a_reason(app: Hub) -> None:
    known = set(commands(app.cli))
    audited = {name for name in known for words in AUDITED if f"{' '.join(words)} ".startswith(f"{name} ")}
    assert all(any(f"{' '.join(words)} ".startswith(f"{name} ") for name in known) for words in AUDITED)
    assert known == audited | READERS | set(OTHERS)


@pytest.mark.usefixtures("doubtful", "further_einvoices", "provider_account")
def test_each_change_is_in_the_audit_trail(run: Run, endpoint_of_a_manager: Subscribed) -> None:
    for words, action in AUDITED.items():
        before = len(stored_rows(AuditEntry))
        result = run(*words)
        assert result.exit_code == 0, (words, result.output)
        written = [row for row in stored_rows(AuditEntry)[before:] if row.action == action]
        assert written, (words, [row.action for row in stored_rows(AuditEntry)[before:]])
        assert {row.actor for row in written} == {"command line"}
