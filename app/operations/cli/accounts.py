"""Commands ``flask users``, ``flask api-keys`` and ``flask modules``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import click
from flask.cli import AppGroup
from sqlalchemy.exc import OperationalError

from app.accounts import modules
from app.accounts import users as accounts_users
from app.accounts.credentials import api_keys
from app.accounts.login import invitations
from app.accounts.roles import ROLES
from app.kernel.errors import Refusal
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.outbound.public_address import public_url
from app.kernel.unit_of_work import unit_of_work

ACTOR = "command line"
user_commands = AppGroup("users", help="Users: people and systems that sign in.")
module_commands = AppGroup("modules", help="Modules of users; each grant has an end date.")
key_commands = AppGroup("api-keys", help="Keys for sales imports.")
GROUPS = (user_commands, key_commands, module_commands)


@contextmanager
def cli_unit_of_work() -> Iterator[None]:
    """Unit of work of a command; an expected error is one line instead of a stack trace."""
    try:
        with unit_of_work():
            yield
    except Refusal as refusal:
        raise _one_line_error(refusal) from refusal
    except OperationalError as error:
        raise click.ClickException(f"The database does not answer: {str(error.orig).splitlines()[0]}") from error


def require_text(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Callback of an option that must say something."""
    if not value.strip():
        raise click.BadParameter("Give a reason.")
    return value.strip()


def _one_line_error(refusal: Refusal) -> click.ClickException:
    errors = flatten_errors(refusal.errors or {})
    faults = [f"{'.'.join(map(str, path))}: {' '.join(messages)}" for path, messages in errors]
    return click.ClickException("; ".join(faults) or refusal.message)


@user_commands.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice(list(ROLES)), required=True)
@click.option("--name", help="Display name; default: the e-mail address.")
@click.password_option(help="The command asks for it when it is missing.")
def create_user(email: str, role: str, name: str | None, password: str) -> None:
    """Create a user."""
    with cli_unit_of_work():
        user = accounts_users.create_user(email=email, password=password, role=role, name=name or email, actor=ACTOR)
    click.echo(f"Created user {user.id}: {user.email} ({user.role})")


@user_commands.command("password")
@click.argument("email")
@click.password_option(help="The command asks for it when it is missing.")
def set_password(email: str, password: str) -> None:
    """Set a new password for a user; all sessions of the user end."""
    with cli_unit_of_work():
        user = accounts_users.get_user_by_email(email)
        accounts_users.change_password(user, password, actor=ACTOR)
    click.echo(f"User {user.id} ({user.email}) has a new password.")


@user_commands.command("invite")
@click.argument("email")
@click.option("--role", type=click.Choice(list(ROLES)), help="Create the user first, with this role.")
@click.option("--name", help="Display name of a new user; default: the e-mail address.")
def invite_user(email: str, role: str | None, name: str | None) -> None:
    """Create a link with which a user sets a password once; with --role the user is created first."""
    with cli_unit_of_work():
        if role is not None:
            facts = {"email": email, "role": role, "name": name or email}
            accounts_users.create_user(password=None, actor=ACTOR, **facts)
        token = invitations.invite(accounts_users.get_user_by_email(email), actor=ACTOR)
    click.echo(f"{email} sets a password within {invitations.LIFETIME.days} days on this page of the hub:")
    click.echo(public_url(invitations.path(token)))


@user_commands.command("deactivate")
@click.argument("email")
def deactivate_user(email: str) -> None:
    """Deactivate a user; the user can no longer sign in."""
    with cli_unit_of_work():
        user = accounts_users.get_user_by_email(email)
        accounts_users.set_active(user, False, actor=ACTOR)
    click.echo(f"User {user.id} ({user.email}) is inactive.")


@user_commands.command("activate")
@click.argument("email")
def activate_user(email: str) -> None:
    """Activate a user again."""
    with cli_unit_of_work():
        user = accounts_users.get_user_by_email(email)
        accounts_users.set_active(user, True, actor=ACTOR)
    click.echo(f"User {user.id} ({user.email}) is active.")


@user_commands.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice(list(ROLES)))
def set_role(email: str, role: str) -> None:
    """Change the role of a user; the user's tokens lose abilities that the role does not have."""
    with cli_unit_of_work():
        user = accounts_users.get_user_by_email(email)
        accounts_users.set_role(user, role, actor=ACTOR)
    click.echo(f"User {user.id} ({user.email}) is {role}.")


@user_commands.command("list")
def list_users() -> None:
    """List all users."""
    with cli_unit_of_work():
        stored = accounts_users.list_users()
    for user in stored:
        click.echo(f"{user.id:>5}  {user.email:<40} {user.role:<11} {'active' if user.is_active else 'inactive'}")


@key_commands.command("create")
@click.argument("name")
@click.option("--allow", multiple=True, metavar="ADDRESS", help="Address or network that may use the key; repeatable.")
@click.option("--days", type=click.IntRange(1, 3650), help="Days until the key expires; default: never.")
def create_key(name: str, allow: tuple[str, ...], days: int | None) -> None:
    """Create a key for sales imports; it is shown once."""
    lifetime = timedelta(days=days) if days else None
    with cli_unit_of_work():
        key, secret = api_keys.create(name=name, actor=ACTOR, allowlist=allow, lifetime=lifetime)
    click.echo(f"Created key {key.id} ({key.name}). It is shown only now:\n{secret}")


@key_commands.command("list")
def list_keys() -> None:
    """List all keys by their first characters."""
    with cli_unit_of_work():
        stored = api_keys.list_keys()
    for key in stored:
        state = "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "valid"
        used = f"last used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        click.echo(f"{key.id:>5}  {key.prefix}…  {key.name:<30} {state:<20} {used}")


@key_commands.command("rotate")
@click.argument("key_id", type=int)
@click.option(
    "--grace",
    "hours",
    type=click.IntRange(0),
    default=24,
    show_default=True,
    help="Hours that the old key stays valid.",
)
def rotate_key(key_id: int, hours: int) -> None:
    """Create a key that replaces another key; it is shown once."""
    with cli_unit_of_work():
        key, secret = api_keys.rotate(key_id, actor=ACTOR, grace=timedelta(hours=hours))
    click.echo(f"Created key {key.id} ({key.name}), which replaces key {key_id}. It is shown only now:\n{secret}")


@key_commands.command("revoke")
@click.argument("key_id", type=int)
def revoke_key(key_id: int) -> None:
    """Revoke a key at once."""
    with cli_unit_of_work():
        key = api_keys.revoke(key_id, actor=ACTOR)
    click.echo(f"Revoked key {key.id} ({key.name}).")


@module_commands.command("enable")
@click.argument("email")
@click.argument("module", type=click.Choice(list(modules.MODULES)))
@click.option("--years", type=click.IntRange(1, modules.MAX_YEARS), default=1, show_default=True)
def enable_module(email: str, module: str, years: int) -> None:
    """Enable a module for a user, or extend it from its end date."""
    with cli_unit_of_work():
        grant = modules.enable(accounts_users.get_user_by_email(email), module, years=years, actor=ACTOR)
    click.echo(f"{module} is on for {email} until {grant.ends_at:%Y-%m-%d}.")


@module_commands.command("disable")
@click.argument("email")
@click.argument("module", type=click.Choice(list(modules.MODULES)))
def disable_module(email: str, module: str) -> None:
    """Disable a module for a user at once."""
    with cli_unit_of_work():
        modules.disable(accounts_users.get_user_by_email(email), module, actor=ACTOR)
    click.echo(f"{module} is off for {email}.")


@module_commands.command("list")
@click.argument("email")
def list_modules(email: str) -> None:
    """List the modules of a user."""
    with cli_unit_of_work():
        grants = modules.list_grants(accounts_users.get_user_by_email(email))
    for grant in grants:
        click.echo(f"{grant.module:<30} {grant.starts_at:%Y-%m-%d} to {grant.ends_at:%Y-%m-%d}")
