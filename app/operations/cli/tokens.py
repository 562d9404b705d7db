"""Command ``flask tokens``: scoped tokens of users."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click
from flask.cli import AppGroup

from app.accounts import users
from app.accounts.models.tokens import (
    DEFAULT_CALLS_PER_MINUTE,
    DEFAULT_LIFETIME,
    DEFAULT_STATUS_CALLS_PER_MINUTE,
    LIFETIMES,
    MAX_CALLS_PER_MINUTE,
    AccessToken,
)
from app.accounts.roles import ABILITIES
from app.accounts.tokens import service as tokens
from app.kernel import clock
from app.operations.cli.accounts import ACTOR, cli_unit_of_work

commands = AppGroup("tokens", help="Scoped tokens of users, for machines.")
_RATE = click.IntRange(1, MAX_CALLS_PER_MINUTE)


@commands.command("create")
@click.argument("email")
@click.argument("name")
@click.option("--ability", "abilities", multiple=True, required=True, type=click.Choice(list(ABILITIES)))
@click.option(
    "--days", type=click.Choice([str(days) for days in LIFETIMES]), default=str(DEFAULT_LIFETIME), show_default=True
)
@click.option(
    "--allow",
    "allowlist",
    multiple=True,
    metavar="ADDRESS",
    help="Address or network that may use the token; repeatable.",
)
@click.option("--calls", type=_RATE, default=DEFAULT_CALLS_PER_MINUTE, show_default=True, help="Calls per minute.")
@click.option(
    "--status-calls",
    type=_RATE,
    default=DEFAULT_STATUS_CALLS_PER_MINUTE,
    show_default=True,
    help="Calls of provider-status per minute.",
)
def create(email: str, days: str, **facts: Any) -> None:
    """Create a token for the user with this EMAIL; it is shown once."""
    with cli_unit_of_work():
        token, plain = tokens.create(users.get_user_by_email(email), actor=ACTOR, days=int(days), **facts)
    click.echo(f"Created token {token.id} ({token.name}), valid until {token.expires_at:%Y-%m-%d}.")
    click.echo("It is shown only now:")
    click.echo(plain)


@commands.command("list")
@click.argument("email", required=False)
def list_tokens(email: str | None) -> None:
    """List the tokens of a user, or of all users, by their public parts."""
    with cli_unit_of_work():
        stored = tokens.list_tokens(scope=users.get_user_by_email(email).id if email else None)
    for token in stored:
        click.echo(_line(token))


@commands.command("rotate")
@click.argument("token_id", type=int)
@click.option(
    "--grace",
    "hours",
    type=click.IntRange(0),
    default=24,
    show_default=True,
    help="Hours that the old secret stays valid.",
)
def rotate(token_id: int, hours: int) -> None:
    """Give a token a new secret and a new lifetime; the secret is shown once."""
    with cli_unit_of_work():
        token, plain = tokens.rotate(token_id, scope=None, actor=ACTOR, grace=timedelta(hours=hours))
    click.echo(
        f"Rotated token {token.id} ({token.name}), valid until {token.expires_at:%Y-%m-%d}; "
        f"the old secret is valid until {token.previous_until:%Y-%m-%d %H:%M} UTC. "
        f"The new one is shown only now:\n{plain}"
    )


@commands.command("limits")
@click.argument("token_id", type=int)
@click.option(
    "--allow",
    "allowlist",
    multiple=True,
    metavar="ADDRESS",
    help="Address or network that may use the token; repeatable. Without it the allowlist stays as it is.",
)
@click.option("--allow-all", is_flag=True, help="Remove the allowlist: every address may use the token.")
@click.option("--calls", type=_RATE, required=True, help="Calls per minute.")
@click.option(
    "--status-calls",
    type=_RATE,
    default=DEFAULT_STATUS_CALLS_PER_MINUTE,
    show_default=True,
    help="Calls of provider-status per minute.",
)
def change_limits(token_id: int, calls: int, status_calls: int, allowlist: tuple[str, ...], allow_all: bool) -> None:
    """Change the rate limits and the allowlist of a token."""
    if allowlist and allow_all:
        raise click.UsageError("Use --allow or --allow-all, not both.")
    addresses = allowlist if allowlist or allow_all else None
    rates = {"calls": calls, "status_calls": status_calls}
    with cli_unit_of_work():
        token = tokens.change_limits(token_id, **rates, allowlist=addresses, scope=None, actor=ACTOR)
    click.echo(f"Token {token.id} ({token.name}) may call {calls} times a minute, provider-status {status_calls}.")
    click.echo(f"Allowed addresses: {', '.join(token.allowlist) or 'all'}.")


@commands.command("revoke")
@click.argument("token_id", type=int)
def revoke(token_id: int) -> None:
    """Revoke a token at once."""
    with cli_unit_of_work():
        token = tokens.revoke(token_id, scope=None, actor=ACTOR)
    click.echo(f"Revoked token {token.id} ({token.name}).")


def _line(token: AccessToken) -> str:
    state = "expired" if token.expires_at <= clock.now() else "until"
    validity = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else f"{state} {token.expires_at:%Y-%m-%d}"
    owner = f"{token.name:<30} {token.user.email:<30}"
    used = f"last used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
    times = f"{validity}  {used}"
    return f"{token.id:>5}  {tokens.shown_prefix(token)}…  {owner} {times}  {','.join(token.abilities)}"
