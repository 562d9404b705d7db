"""What operators type about webhooks."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask.cli import AppGroup

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
    """List endpoints with what waits and what failed."""
    with cli_unit_of_work():
        endpoints = endpoints_service.find_page({"per_page": _MAX_LISTED}, None)["data"]
        open_ = endpoints_service.count_open_deliveries([endpoint.id for endpoint in endpoints])
    for endpoint in endpoints:
        counts = open_[endpoint.id]
        state = f"{counts['pending']} waiting, {counts['failed']} failed"
        click.echo(f"{endpoint.id:>5}  {endpoint.status:<9} {state:<28} {endpoint.url}")
        if endpoint.reason:
            click.echo(f"       {endpoint.reason}")


@webhooks.command("enable")
@click.argument("endpoint_id", type=int)
def enable(endpoint_id: int) -> None:
    """Switch an endpoint on; when deliveries wait, one goes first."""
    with cli_unit_of_work():
        endpoint = endpoints_service.find_for_update(endpoint_id, None)
        circuit_breaker.enable(endpoint, actor=ACTOR)
    click.echo(f"Endpoint {endpoint.id} is {endpoint.status}.")


@webhooks.command("disable")
@click.argument("endpoint_id", type=int)
@click.option("--reason", default="Switched off by the operator.", show_default=True)
def disable(endpoint_id: int, reason: str) -> None:
    """Switch an endpoint off; its deliveries wait."""
    with cli_unit_of_work():
        endpoint = endpoints_service.find_for_update(endpoint_id, None)
        circuit_breaker.disable(endpoint, reason, actor=ACTOR)
    click.echo(f"Endpoint {endpoint.id} is {endpoint.status}.")


@webhooks.command("recover")
@click.argument("endpoint_id", type=int)
@click.option("--since", type=click.DateTime(), required=True, help="In UTC.")
@click.option(
    "--per-minute", type=click.IntRange(1, MAX_RECOVERED_PER_MINUTE), default=RECOVERED_PER_MINUTE, show_default=True
)
def recover(endpoint_id: int, since: datetime, per_minute: int) -> None:
    """Send all failed deliveries since a moment again, oldest first."""
    wanted = {"since": since.replace(tzinfo=UTC), "states": ["failed"], "per_minute": per_minute}
    with cli_unit_of_work():
        recovered = replay.recover_since(endpoint_id, wanted, None, actor=ACTOR)
    click.echo(f"{recovered['count']} deliveries will be sent again.")


@webhooks.command("reseal")
@click.option("--old-key", envvar="OLD_SECRET_KEY", prompt=True, hide_input=True, help="Or in OLD_SECRET_KEY.")
def reseal(old_key: str) -> None:
    """After a change of SECRET_KEY: encrypt the endpoints' secrets under the new one."""
    with cli_unit_of_work():
        count, closed = secret_rotation.reseal_secrets(old_key), secret_rotation.count_unreadable_secrets()
    if closed:
        raise click.ClickException(f"{count} endpoints were resealed; {closed} open under neither key.")
    click.echo(f"{count} endpoints were resealed under the present SECRET_KEY.")
