"""The ``flask`` commands that run before the processes of a local run start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.local.banner import loopback_host
from app.local.settings import SIMULATOR_FILE, SIMULATOR_PORT


def first_steps(environment: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The ``flask`` commands of this environment; with the demo the admin gets an account at the simulator."""
    always: list[tuple[str, ...]] = [("hub", "migrate"), ("local", "bootstrap")]
    port = environment.get(SIMULATOR_PORT)
    if environment.get("DEMO") == "0" or port is None:
        return always
    file = str(Path(environment["DATA_DIR"]) / SIMULATOR_FILE)
    host = loopback_host(environment)
    hub = f"http://{f'[{host}]' if ':' in host else host}:{environment['PORT']}"
    options = ("--file", file, "--port", port, "--hub-url", hub)
    return [*always, ("provider-simulator-account", environment["ADMIN_EMAIL"], *options)]
