"""Settings of the local run: variables of the environment, generated defaults, and the file ``hub.env``."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.local.errors import LocalRunError
from app.local.private_files import write_private_file
from app.process_numbers import PORTS, PROCESSES, parse_number

ENVIRONMENT_FILE = "hub.env"
#: Folder of the metric files of all processes, which every web process reads.
METRICS_FOLDER = "metrics"
#: Folder of stored files, unless ``STORAGE_DIR`` names another one.
STORAGE_FOLDER = "storage"

#: Variables that are kept in ``hub.env``, each with the function that generates its first value.
_KEPT_DEFAULTS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "SALES_IMPORT_API_KEY": lambda: secrets.token_urlsafe(24),
    "ADMIN_EMAIL": lambda: "admin@example.com",
    "ADMIN_PASSWORD": lambda: secrets.token_urlsafe(12),
    "FLOWER_PASSWORD": lambda: secrets.token_urlsafe(12),
}
#: Variables in ``hub.env``: those that a shell needs to run commands of the hub.
_STORAGE = ("STORAGE_DIR", "STORAGE_URL", "STORAGE_READ_ALSO", "STORAGE_ACCESS_KEY", "STORAGE_SECRET_KEY")
_WRITTEN = ("ENVIRONMENT", "DATABASE_URL", "REDIS_URL", *_STORAGE, "DATA_DIR", *_KEPT_DEFAULTS)
#: Lists the URLs that belong to embedded servers. When a shell has read the ``hub.env`` of an earlier run, the
#: launcher ignores these URLs, because they were valid for that run only.
OWN_SERVERS = "OWN_SERVERS"
#: Port of the provider simulator, which runs with the demo data.
SIMULATOR_PORT = "PROVIDER_SIMULATOR_PORT"
#: Its list, in the data folder.
SIMULATOR_FILE = "provider-simulator.sqlite"


@dataclass(frozen=True, slots=True)
class Settings:
    """Variables that the launcher itself uses."""

    data_dir: Path
    host: str
    port: int
    flower_port: int
    flower_port_given: bool
    simulator_port: int
    simulator_port_given: bool
    #: Whether demo data is made and the provider simulator runs.
    demo: bool

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from the environment.

        Raises:
            LocalRunError: a port or the number of web processes is not a valid number.
        """
        # gunicorn reads this variable by itself and would end with a traceback.
        _number(environ, "WEB_CONCURRENCY", 2, PROCESSES)
        return cls(
            data_dir=Path(environ.get("DATA_DIR") or "var").absolute(),
            host=environ.get("HOST") or "127.0.0.1",
            port=_number(environ, "PORT", 8000, PORTS),
            flower_port=_number(environ, "FLOWER_PORT", 5555, PORTS),
            flower_port_given=bool(environ.get("FLOWER_PORT")),
            simulator_port=_number(environ, SIMULATOR_PORT, 8090, PORTS),
            simulator_port_given=bool(environ.get(SIMULATOR_PORT)),
            demo=environ.get("DEMO") != "0",
        )


def simulator_environment(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """Variables that make the provider simulator the provider ``http``, unless the user gave another provider."""
    address = f"http://127.0.0.1:{port}/demo/einvoices"
    is_given = bool(environ.get("EINVOICE_PROVIDER_URL"))
    names = () if is_given else ("EINVOICE_PROVIDER_URL", "EINVOICE_PROVIDER_LOOKUP_URL")
    return {SIMULATOR_PORT: str(port), **dict.fromkeys(names, address)}


def environment_for(environ: Mapping[str, str], settings: Settings, flower_port: int) -> dict[str, str]:
    """Environment of the processes of the hub, without the URLs of embedded servers.

    Raises:
        LocalRunError: a value cannot be used.
    """
    if environ.get("ENVIRONMENT", "local") != "local":
        raise LocalRunError(
            f"ENVIRONMENT is {environ['ENVIRONMENT']!r}, and `make run` is the local run: it would allow weak secrets. "
            "Unset it, or start the processes as docs/operating.md says."
        )
    stale = {OWN_SERVERS, *environ.get(OWN_SERVERS, "").split()}
    kept = _read_environment_file(settings.data_dir / ENVIRONMENT_FILE)
    values = {name: environ.get(name) or kept.get(name) or generate() for name, generate in _KEPT_DEFAULTS.items()}
    if "," in values["FLOWER_PASSWORD"]:
        raise LocalRunError("FLOWER_PASSWORD may not contain a comma: Flower would take it for two passwords.")
    return {
        "WEB_CONCURRENCY": "2",
        "DEMO": "1",
        **{name: value for name, value in environ.items() if value and name not in stale},
        **values,
        "ENVIRONMENT": "local",
        "PYTHONUNBUFFERED": "1",
        # Celery warns root with five lines at each start; on an own machine root is acceptable.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
        # Titles of processes leave the environment readable for the owner of the process.
        "SPT_NOENV": "1",
        "DATA_DIR": str(settings.data_dir),
        "PROMETHEUS_MULTIPROC_DIR": str(settings.data_dir / METRICS_FOLDER),
        "STORAGE_DIR": str(Path(environ.get("STORAGE_DIR") or settings.data_dir / STORAGE_FOLDER).absolute()),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "FLOWER_ADDRESS": "127.0.0.1",
        "FLOWER_PORT": str(flower_port),
        "FLOWER_BASIC_AUTH": f"admin:{values['FLOWER_PASSWORD']}",
        "FLOWER_READ_ONLY": "true",
    }


def write_environment_file(environment: Mapping[str, str]) -> Path:
    """Write ``hub.env`` for the next run and for shells, and return its path."""
    path = Path(environment["DATA_DIR"]) / ENVIRONMENT_FILE
    lines = [f"export {name}={shlex.quote(environment.get(name, ''))}" for name in (*_WRITTEN, OWN_SERVERS)]
    header = "# Written by the local run. The secrets are kept for the next run; the URLs change with each run."
    write_private_file(path, "\n".join([header, *lines, ""]))
    return path


def _read_environment_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        entries = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    except ValueError as error:
        raise LocalRunError(f"{path} cannot be read ({error}); repair or remove it.") from error
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, _, value in pairs if name in _KEPT_DEFAULTS}


def _number(environ: Mapping[str, str], name: str, default: int, allowed: range) -> int:
    text = environ.get(name) or str(default)
    number = parse_number(text, allowed)
    if number is None:
        raise LocalRunError(f"{name} is {text!r}; it must be a number from {allowed[0]} to {allowed[-1]}.")
    return number
