"""Command ``flask webhooks``: endpoints and their deliveries."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from app.einvoices.provider_accounts import account_secrets
from app.operations.cli.accounts import ACTOR, cli_unit_of_work
from app.webhooks.deliveries import replay
from app.webhooks.endpoints import secret_rotation
from app.webhooks.endpoints import service as endpoints_service
from app.webhooks.schemas.deliveries import MAX_RECOVERED_PER_MINUTE, RECOVERED_PER_MINUTE
from app.webhooks.sender import circuit_breaker

webhooks = AppGroup("webhooks", help="Webhook endpoints and their deliveries.")
_MAX_LISTED = 1000


@webhooks.command("list")
def list_endpoints() -> None:
    """List endpoints with their numbers of waiting and failed deliveries."""
    with cli_unit_of_work():
        endpoints = endpoints_service.find_page({"per_page": _MAX_LISTED}, None)["data"]
        counts_by_id = endpoints_service.count_open_deliveries([endpoint.id for endpoint in endpoints])
    for endpoint in endpoints:
        counts = counts_by_id[endpoint.id]
        state = f"{counts['pending']} waiting, {counts['failed']} failed"
        click.echo(f"{endpoint.id:>5}  {endpoint.status:<9} {state:<28} {endpoint.url}")
        if endpoint.reason:
            click.echo(f"       {endpoint.reason}")


@webhooks.command("enable")
@click.argument("endpoint_id", type=int)
def enable(endpoint_id: int) -> None:
    """Enable an endpoint; when deliveries wait, one is sent first as a probe."""
    with cli_unit_of_work():
        endpoint = endpoints_service.find_for_update(endpoint_id, None)
        circuit_breaker.enable(endpoint, actor=ACTOR)
    click.echo(f"Endpoint {endpoint.id} is {endpoint.status}.")


@webhooks.command("disable")
@click.argument("endpoint_id", type=int)
@click.option("--reason", default="Switched off by the operator.", show_default=True)
def disable(endpoint_id: int, reason: str) -> None:
    """Disable an endpoint; its deliveries wait."""
    with cli_unit_of_work():
        endpoint = endpoints_service.find_for_update(endpoint_id, None)
        circuit_breaker.disable(endpoint, reason, actor=ACTOR)
    click.echo(f"Endpoint {endpoint.id} is {endpoint.status}.")


@webhooks.command("recover")
@click.argument("endpoint_id", type=int)
@click.option("--since", type=click.DateTime(), required=True, help="Moment in UTC.")
@click.option(
    "--per-minute", type=click.IntRange(1, MAX_RECOVERED_PER_MINUTE), default=RECOVERED_PER_MINUTE, show_default=True
)
def recover(endpoint_id: int, since: datetime, per_minute: int) -> None:
    """Send all deliveries that failed since a moment again, oldest first."""
    query = {"since": since.replace(tzinfo=UTC), "states": ["failed"], "per_minute": per_minute}
    with cli_unit_of_work():
        recovered = replay.recover_since(endpoint_id, query, None, actor=ACTOR)
    click.echo(f"{recovered['count']} deliveries will be sent again.")


@webhooks.command("reseal")
@click.option(
    "--old-key",
    envvar="OLD_SECRET_KEY",
    prompt=True,
    hide_input=True,
    help="The previous SECRET_KEY; or set OLD_SECRET_KEY.",
)
def reseal(old_key: str) -> None:
    """After a change of SECRET_KEY, encrypt the secrets of endpoints and provider accounts with the new key."""
    with cli_unit_of_work():
        count = secret_rotation.reseal_secrets(old_key, actor=ACTOR)
        count += account_secrets.reseal_accounts(old_key, actor=ACTOR)
        unreadable = secret_rotation.count_unreadable_secrets() + account_secrets.count_unreadable_accounts()
    if unreadable:
        raise click.ClickException(f"{count} secrets were encrypted again; {unreadable} fit neither key.")
    click.echo(f"{count} secrets were encrypted again with the present SECRET_KEY.")
