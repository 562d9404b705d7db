"""Command ``flask provider-simulator``: run the simulator until a signal ends it."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

import click

from app.provider_simulator.document_store import DocumentStore
from app.provider_simulator.http_server import running
from app.provider_simulator.simulator_state import Simulator

LOCAL_HOSTS = ("127.0.0.1", "::1")
DEFAULT_PORT = 8090


@click.command("provider-simulator", context_settings={"show_default": True})
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, envvar="PROVIDER_SIMULATOR_PORT",
    show_envvar=True, help="Port; 0 takes a free one.",
)  # fmt: skip
@click.option("--host", type=click.Choice(LOCAL_HOSTS), default=LOCAL_HOSTS[0], help="Address of this machine only.")
@click.option(
    "--file", "path", type=click.Path(dir_okay=False, path_type=Path), help="SQLite file of the list; else memory."
)
@click.option("--seed", type=int, help="Makes the choice by shares repeatable.")
@click.option("--hang-seconds", type=click.FloatRange(0, 300), default=20.0, help="How long `hang` holds a request.")
@click.option("--in-production", is_flag=True, help="Start although ENVIRONMENT is production.")
def provider_simulator(
    *, port: int, host: str, path: Path | None, seed: int | None, hang_seconds: float, in_production: bool
) -> None:
    """Run a simulated e-invoice provider on this machine, with a page that says how it behaves.

    It takes e-invoices at http://HOST:PORT/ACCOUNT/einvoices; with PROVIDER_SIMULATOR_TOKEN set, requests need this
    bearer token.
    """
    if os.environ.get("ENVIRONMENT", "production") == "production" and not in_production:
        raise click.UsageError("ENVIRONMENT is production: the simulator is for development and tests.")
    simulator = Simulator(
        DocumentStore(path),
        token=os.environ.get("PROVIDER_SIMULATOR_TOKEN", ""),
        hang_seconds=hang_seconds,
        chance=random.Random(seed),  # noqa: S311 - chance, no secret
    )
    ended = threading.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda *_: ended.set())
    try:
        with running(simulator, host, port) as address:
            click.echo(f"Provider simulator at {address}/")
            ended.wait()
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used: {error.strerror}.") from error
    finally:
        simulator.store.close()
