"""Command ``flask provider-simulator-account``: give a seller of the hub an account at the simulator."""

from __future__ import annotations

import os
from pathlib import Path

import click
from sqlalchemy import select

from app.accounts import users
from app.einvoices.errors import AccountInDoubt
from app.einvoices.models.provider_accounts import AccountState, Mode, ProviderAccount
from app.einvoices.provider_accounts import connection_test, directory
from app.einvoices.provider_accounts.status_words import DEFAULT_MAPPING
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.provider_simulator.cli import DEFAULT_PORT, LOCAL_HOSTS
from app.provider_simulator.document_store import DocumentStore
from app.provider_simulator.http_server import running
from app.provider_simulator.simulator_state import Simulator

#: Name of the account, for the seller and at the simulator.
NAME, NAME_AT_THE_SIMULATOR = "Simulator", "hub"
ACTOR = "command line"


@click.command("provider-simulator-account", context_settings={"show_default": True})
@click.argument("email")
@click.option(
    "--file", "path", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File of the simulator."
)
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, help="Port of the simulator.")
@click.option("--hub-url", default="http://127.0.0.1:8000", help="Where the simulator reaches the hub.")
def provider_simulator_account(*, email: str, path: Path, port: int, hub_url: str) -> None:
    """Make or renew the account of the seller EMAIL at a simulator that does not run yet, and test it.

    The simulator then reports to the hub with the secret of the account. An account that was archived stays so.
    """
    owner = users.find_user(email)
    if owner is None:
        raise click.ClickException(f"No user has the address {email}.")
    store = DocumentStore(path)
    try:
        account = _find(owner.id)
        if account is None or (account.state != AccountState.ARCHIVED and not _fits(account, store, port, hub_url)):
            _connect(owner.id, account, store, port, hub_url)
    except AccountInDoubt:
        click.echo("The account keeps its address: sendings through it are in doubt. Settle these doubts first.")
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used: {error.strerror}.") from error
    finally:
        store.close()


def _find(owner_id: int) -> ProviderAccount | None:
    named = select(ProviderAccount).where(ProviderAccount.owner_id == owner_id, ProviderAccount.name == NAME)
    found: ProviderAccount | None = db.session.scalar(named.order_by(ProviderAccount.id.desc()).limit(1))
    return found


def _fits(account: ProviderAccount, store: DocumentStore, port: int, hub_url: str) -> bool:
    reports_to = store.targets().get(NAME_AT_THE_SIMULATOR)
    return bool(account.test_passed) and account.url == _url(port) and reports_to == hub_url + account.callback_url


def _connect(owner_id: int, account: ProviderAccount | None, store: DocumentStore, port: int, hub_url: str) -> None:
    token = os.environ.get("PROVIDER_SIMULATOR_TOKEN", "")
    allowances = [{"cidr": "127.0.0.0/8", "port": port}]
    places = {"url": _url(port), "lookup_url": _url(port), "allowances": allowances, "token": token}
    with unit_of_work():
        if account is None:
            facts = {"name": NAME, "adapter": "http", "mode": Mode.TEST.value, "is_default": True}
            facts |= {"mapping": dict(DEFAULT_MAPPING), **places}
            made = directory.create(facts, owner_id, actor=ACTOR, may_allow=True)
        else:
            directory.change(account.id, places, owner_id, actor=ACTOR, may_allow=True)
            made = directory.rotate(account.id, 0, owner_id, actor=ACTOR)
        account_id = made.account.id
        store.set_target(NAME_AT_THE_SIMULATOR, hub_url + made.account.callback_url, made.callback_secret)
    with running(Simulator(store, token=token), LOCAL_HOSTS[0], port), unit_of_work():
        tested = connection_test.run(account_id, owner_id, actor=ACTOR)
        click.echo(f"Provider account {account_id}: {tested.state}.")


def _url(port: int) -> str:
    return f"http://{LOCAL_HOSTS[0]}:{port}/{NAME_AT_THE_SIMULATOR}/einvoices"
