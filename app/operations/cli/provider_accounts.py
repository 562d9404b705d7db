"""Command ``flask einvoices accounts``: the accounts of sellers at providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Any

import click
from flask.cli import AppGroup
from marshmallow import Schema, ValidationError

from app.accounts import users
from app.einvoices.models.provider_accounts import Mode
from app.einvoices.provider_accounts import account_lists, connection_test, directory
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.einvoices.schemas.provider_accounts import (
    CallbackRotationSchema,
    ProviderAccountChangeSchema,
    ProviderAccountDraftSchema,
)
from app.formats.legal_format import LegalFormat
from app.kernel.errors import Invalid
from app.operations.cli.accounts import ACTOR, cli_unit_of_work

_FORMATS = [*(each.value for each in LegalFormat), "none"]
#: Options of the settings that a new account can have and a change can set.
_SETTINGS = (
    click.option(
        "--mode", type=click.Choice([mode.value for mode in Mode]), help="What it is used for; a new account is live."
    ),
    click.option("--url", help="Address to send to."),
    click.option("--lookup-url", help="Address of the look-up."),
    click.option("--token-file", type=click.File(), help="File whose first line is the token; - reads standard input."),
    click.option("--words", type=click.Choice(["default", "none"]), help="What the words of the provider mean."),
    click.option(
        "--document-format",
        type=click.Choice([*(each.value for each in LegalFormat), "none"]),
        help="Legal document that is sent too.",
    ),
    click.option("--concurrency", type=int, help="Simultaneous sendings."),
    click.option("--rate-per-minute", type=int, help="Sendings per minute; 0 means no limit."),
    click.option("--allow", multiple=True, metavar="NETWORK:PORT", help="Network to allow; may be repeated."),
    click.option("--default/--no-default", "is_default", default=None, help="Whether new drafts get it."),
)
accounts = AppGroup("accounts", help="Accounts of sellers at providers.")
_MAX_LISTED = 1000


@accounts.command("list")
@click.option("--archived", is_flag=True, help="Archived accounts too.")
def list_accounts(archived: bool) -> None:
    """List the accounts with their state and the result of the last connection test."""
    with cli_unit_of_work():
        found = account_lists.find_page({"per_page": _MAX_LISTED, "archived": archived}, None)["data"]
    for account in found:
        owner, default = f"user {account.owner_id}", " default" if account.is_default else ""
        click.echo(
            f"{account.id:>5}  {account.state:<11}  {account.mode}{default}  {owner}  {account.adapter}  {account.name}"
        )
        if account.test_passed is False:
            click.echo(f"       {account.test_message}")


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


@accounts.command("create")
@click.argument("email")
@click.argument("name")
@click.option("--adapter", type=click.Choice(list(PROVIDER_NAMES)), required=True, help="How the hub speaks with it.")
@_with_settings
def create(email: str, **given: Any) -> None:
    """Create an account with this NAME for the user with this EMAIL; its callback secret is shown only once."""
    with cli_unit_of_work():
        owner = users.get_user_by_email(email)
        data = _load(ProviderAccountDraftSchema(), given)
        made = directory.create(data, owner.id, actor=ACTOR, may_allow=True)
    click.echo(f"Created account {made.account.id}. Test it before it is used.")
    click.echo(f"Callback secret: {made.callback_secret}")


@accounts.command("change")
@click.argument("account_id", metavar="ID", type=int)
@click.option("--name", help="Name of the account.")
@click.option("--adapter", type=click.Choice(list(PROVIDER_NAMES)), help="How the hub speaks with it.")
@click.option("--no-token", is_flag=True, help="Delete the token.")
@_with_settings
def change(account_id: int, no_token: bool, **given: Any) -> None:
    """Change the account with this ID; only what is given changes."""
    if no_token and given["token_file"]:
        raise click.UsageError("Give either --token-file or --no-token.")
    with cli_unit_of_work():
        data = _load(ProviderAccountChangeSchema(), given, **({"token": None} if no_token else {}))
        account = directory.change(account_id, data, None, actor=ACTOR, may_allow=True)
    click.echo(f"Account {account_id} is {account.state}.")


@accounts.command("rotate")
@click.argument("account_id", metavar="ID", type=int)
@click.option("--grace-hours", type=int, default=24, show_default=True, help="How long the old secret is valid too.")
def rotate(account_id: int, grace_hours: int) -> None:
    """Give the account with this ID a new callback secret, which is shown only once."""
    with cli_unit_of_work():
        data = _load(CallbackRotationSchema(), {"grace_hours": grace_hours})
        made = directory.rotate(account_id, data["grace_hours"], None, actor=ACTOR)
    click.echo(f"Callback secret: {made.callback_secret}")


def _load(schema: Schema, given: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Validate what was given as the API does; what was not given is left out.

    Raises:
        Invalid: the schema refuses a value.
    """
    data = {name: value for name, value in given.items() if value not in {None, ()}}
    if file := data.pop("token_file", None):
        data["token"] = _first_line(file)
    if allowed := data.pop("allow", None):
        data["allowances"] = [dict(zip(("cidr", "port"), each.rpartition(":")[::2], strict=True)) for each in allowed]
    if words := data.pop("words", None):
        data["mapping"] = None if words == "none" else words
    if data.get("document_format") == "none":
        data["document_format"] = None
    if data.get("rate_per_minute") == 0:
        data["rate_per_minute"] = None
    try:
        loaded: dict[str, Any] = schema.load({**data, **more})
    except ValidationError as error:
        raise Invalid(error.messages_dict) from error
    return loaded


def _first_line(file: IO[str]) -> str:
    line = file.readline().strip()
    if not line:
        raise click.UsageError("The token is empty.")
    return line


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
