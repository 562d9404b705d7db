"""Commands for provider accounts: the token comes from a file or standard input, and no secret is listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.accounts.models.accounts import AuditEntry
from app.einvoices.models.provider_accounts import ProviderAccount
from app.kernel.secret_box import unseal
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_user
from tests.operations.cli.cli_helpers import Run, error_line, stored_rows

GROUP = ("einvoices", "accounts")
TOKEN = "hush-hush-token"


@pytest.fixture
def email(app: object) -> str:
    with unit_of_work():
        return a_user(role="billing").email


def stored() -> ProviderAccount:
    account: ProviderAccount = stored_rows(ProviderAccount)[0]
    return account


def token() -> str | None:
    sealed = stored().token
    return unseal(sealed).decode() if sealed else None


def test_an_account_is_created_with_a_token_of_standard_input(run: Run, email: str) -> None:
    settings = ("--url", "https://8.8.8.8/take", "--lookup-url", "https://8.8.8.8/find", "--mode", "test")
    limits = ("--concurrency", "2", "--rate-per-minute", "60", "--words", "default", "--default")
    words = (*GROUP, "create", email, "Main", "--adapter", "http", *settings, *limits, "--token-file", "-")
    result = run(*words, answer=f"{TOKEN}\nmore")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Created account 1. Test it before it is used.\nCallback secret: whsec_")
    account = stored()
    assert (account.name, account.mode, account.concurrency, account.rate_per_minute) == ("Main", "test", 2, 60)
    assert (account.is_default, account.mapping) == (True, {"accepted": "accepted", "rejected": "rejected"})
    assert token() == TOKEN
    told = run(*GROUP, "list").output + str([row.details for row in stored_rows(AuditEntry)])
    assert "Main" in told
    assert TOKEN not in told
    assert "whsec_" not in told


def test_a_change_leaves_the_rest_and_replaces_or_deletes_the_token(run: Run, email: str, tmp_path: Path) -> None:
    run(*GROUP, "create", email, "Main", "--adapter", "null", "--rate-per-minute", "60", "--words", "default")
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert run(*GROUP, "change", "1", "--token-file", str(file)).output == "Account 1 is untested.\n"
    assert (token(), stored().rate_per_minute) == (TOKEN, 60)
    options = ("--rate-per-minute", "0", "--words", "none", "--allow", "10.1.2.0/24:8080", "--allow", "::1/128:90")
    assert run(*GROUP, "change", "1", *options, "--no-token").exit_code == 0
    account = stored()
    assert (token(), account.rate_per_minute, account.mapping, account.name) == (None, None, None, "Main")
    assert account.allowances == [{"cidr": "10.1.2.0/24", "port": 8080}, {"cidr": "::1/128", "port": 90}]


def test_a_rotated_secret_is_shown_once(run: Run, email: str) -> None:
    first = run(*GROUP, "create", email, "Main", "--adapter", "null").output.split()[-1]
    second = run(*GROUP, "rotate", "1", "--grace-hours", "0").output.split()[-1]
    assert (first != second, second.startswith("whsec_")) == (True, True)
    assert stored().previous_callback_secret is None


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("create", "{email}", "A", "--adapter", "http"), "url: This adapter needs the address to send to."),
        (("create", "nobody@x.example", "A", "--adapter", "null"), "No user has this e-mail address."),
        (("create", "{email}", "A", "--adapter", "http", "--url", "https://10.1.2.3/"), "url: "),
        (("create", "{email}", "A", "--adapter", "null", "--allow", "10.1.2.3"), "allowances.0"),
        (("create", "{email}", "A", "--adapter", "null", "--concurrency", "900"), "concurrency: "),
        (("change", "9", "--name", "B"), "Not found."),
        (("change", "1"), "Nothing to change was sent."),
        (("rotate", "1", "--grace-hours", "9999"), "grace_hours: "),
    ],
)
def test_a_wrong_value_is_one_line(run: Run, email: str, words: tuple[str, ...], fault: str) -> None:
    run(*GROUP, "create", email, "Main", "--adapter", "null")
    assert fault in error_line(run(*GROUP, *(word.format(email=email) for word in words)))
    assert len(stored_rows(ProviderAccount)) == 1


def test_a_token_is_given_once_and_is_not_empty(run: Run, email: str) -> None:
    run(*GROUP, "create", email, "Main", "--adapter", "null")
    assert run(*GROUP, "change", "1", "--token-file", "-", "--no-token", answer="x").exit_code == 2
    assert run(*GROUP, "change", "1", "--token-file", "-", answer="\n").exit_code == 2


def test_the_legal_document_is_set_and_taken_away(run: Run, email: str) -> None:
    assert run(*GROUP, "create", email, "Main", "--adapter", "simulator", "--document-format", "ubl-tr").exit_code == 0
    assert stored().document_format == "ubl-tr"
    assert run(*GROUP, "change", "1", "--document-format", "factur-x").exit_code == 0
    assert stored().document_format == "factur-x"
    [entry] = [row for row in stored_rows(AuditEntry) if row.action == "provider_account.changed"]
    assert entry.details["changed"] == {"document_format": ["ubl-tr", "factur-x"]}
    assert run(*GROUP, "change", "1", "--document-format", "none").exit_code == 0
    assert stored().document_format is None
    assert run(*GROUP, "change", "1", "--document-format", "sap").exit_code == 2
