"""Command ``flask einvoices accounts``: the accounts of sellers at providers."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.einvoices.provider_accounts import connection_test, directory
from app.operations.cli.accounts import ACTOR, cli_unit_of_work

accounts = AppGroup("accounts", help="Accounts of sellers at providers.")
_MAX_LISTED = 1000


@accounts.command("list")
@click.option("--archived", is_flag=True, help="Archived accounts too.")
def list_accounts(archived: bool) -> None:
    """List the accounts with their state and the result of the last connection test."""
    with cli_unit_of_work():
        found = directory.find_page({"per_page": _MAX_LISTED, "archived": archived}, None)["data"]
    for account in found:
        owner, default = f"user {account.owner_id}", " default" if account.is_default else ""
        click.echo(
            f"{account.id:>5}  {account.state:<11}  {account.mode}{default}  {owner}  {account.adapter}  {account.name}"
        )
        if account.test_passed is False:
            click.echo(f"       {account.test_message}")


@accounts.command("test")
@click.argument("account_id", metavar="ID", type=int)
def test(account_id: int) -> None:
    """Test the connection of the account with this ID."""
    with cli_unit_of_work():
        account = connection_test.run(account_id, None, actor=ACTOR)
    if not account.test_passed:
        raise click.ClickException(account.test_message or "")
    click.echo(account.test_message)


@accounts.command("enable")
@click.argument("account_id", metavar="ID", type=int)
def enable(account_id: int) -> None:
    """Enable an account: what waits for it is sent."""
    _change(account_id, enabled=True)


@accounts.command("disable")
@click.argument("account_id", metavar="ID", type=int)
def disable(account_id: int) -> None:
    """Disable an account: its e-invoices wait."""
    _change(account_id, enabled=False)


@accounts.command("archive")
@click.argument("account_id", metavar="ID", type=int)
def archive(account_id: int) -> None:
    """Archive an account, or delete it if no e-invoice refers to it."""
    with cli_unit_of_work():
        is_archived = directory.remove(account_id, None, actor=ACTOR)
    click.echo(f"Account {account_id} is {'archived' if is_archived else 'deleted'}.")


def _change(account_id: int, *, enabled: bool) -> None:
    with cli_unit_of_work():
        account = directory.change(account_id, {"enabled": enabled}, None, actor=ACTOR, may_allow=True)
    click.echo(f"Account {account_id} is {account.state}.")
