"""What a local run was told, what it makes up for the rest, and how the next run finds the same again."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.local.errors import LocalRunError
from app.local.private_files import write_private_file

ENVIRONMENT_FILE = "hub.env"
#: All processes count there, so that every web process can tell what all have counted.
METRICS_FOLDER = "metrics"
_MAX_PORT = 65535

#: Kept from run to run; each is made up once when nobody gives it.
_KEPT_DEFAULTS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "SALES_IMPORT_API_KEY": lambda: secrets.token_urlsafe(24),
    "ADMIN_EMAIL": lambda: "admin@example.com",
    "ADMIN_PASSWORD": lambda: secrets.token_urlsafe(12),
}
#: What a shell needs to run the hub's commands beside the running hub.
_WRITTEN = ("ENVIRONMENT", "DATABASE_URL", "REDIS_URL", "STORAGE_DIR", "DATA_DIR", *_KEPT_DEFAULTS)
#: Names the addresses that are the hub's own servers'. A shell that has read the file of an earlier run says so by
#: it, and those addresses are then no wish of the user's: they were good for that run alone.
OWN_SERVERS = "OWN_SERVERS"


@dataclass(frozen=True, slots=True)
class Settings:
    """The words of the environment that the launcher itself heeds."""

    data_dir: Path
    host: str
    port: int
    flower_port: int
    flower_port_given: bool

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Settings:
        """Read them from the environment.

        Raises:
            LocalRunError: a port is no port.
        """
        return cls(
            data_dir=Path(given.get("DATA_DIR") or "var").absolute(),
            host=given.get("HOST") or "127.0.0.1",
            port=_port(given, "PORT", 8000),
            flower_port=_port(given, "FLOWER_PORT", 5555),
            flower_port_given=bool(given.get("FLOWER_PORT")),
        )


def environment_for(given: Mapping[str, str], settings: Settings, flower_port: int) -> dict[str, str]:
    """The environment of the hub's processes, without the addresses of the servers.

    Raises:
        LocalRunError: a value cannot be used.
    """
    if given.get("ENVIRONMENT", "local") != "local":
        raise LocalRunError(
            f"ENVIRONMENT is {given['ENVIRONMENT']!r}, and `make run` is the local run: it would allow weak secrets. "
            "Unset it, or start the processes as docs/operating.md says."
        )
    stale = {OWN_SERVERS, *given.get(OWN_SERVERS, "").split()}
    kept = _read_environment_file(settings.data_dir / ENVIRONMENT_FILE)
    values = {name: given.get(name) or kept.get(name) or make() for name, make in _KEPT_DEFAULTS.items()}
    if "," in values["ADMIN_PASSWORD"]:
        raise LocalRunError("ADMIN_PASSWORD may not contain a comma: Flower would take it for two passwords.")
    return {
        "WEB_CONCURRENCY": "2",
        "DEMO": "1",
        **{name: value for name, value in given.items() if value and name not in stale},
        **values,
        "ENVIRONMENT": "local",
        "PYTHONUNBUFFERED": "1",
        # Celery's advice to root, five lines at each start; a person's own machine may be run by root.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
        "DATA_DIR": str(settings.data_dir),
        "PROMETHEUS_MULTIPROC_DIR": str(settings.data_dir / METRICS_FOLDER),
        "STORAGE_DIR": str(Path(given.get("STORAGE_DIR") or settings.data_dir / "storage").absolute()),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "FLOWER_ADDRESS": "127.0.0.1",
        "FLOWER_PORT": str(flower_port),
        "FLOWER_BASIC_AUTH": f"admin:{values['ADMIN_PASSWORD']}",
        "FLOWER_READ_ONLY": "true",
    }


def write_environment_file(environment: Mapping[str, str]) -> Path:
    """Write the environment down, for the next run and for shells, and say where."""
    path = Path(environment["DATA_DIR"]) / ENVIRONMENT_FILE
    lines = [f"export {name}={shlex.quote(environment.get(name, ''))}" for name in (*_WRITTEN, OWN_SERVERS)]
    head = "# Made by the local run. The secrets are kept from run to run; the addresses are new each time."
    write_private_file(path, "\n".join([head, *lines, ""]))
    return path


def _read_environment_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        words = shlex.split(path.read_text(encoding="utf-8"), comments=True)
    except ValueError as error:
        raise LocalRunError(f"{path} cannot be read ({error}); repair or remove it.") from error
    pairs = (word.partition("=") for word in words)
    return {name: value for name, _, value in pairs if name in _KEPT_DEFAULTS}


def _port(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MAX_PORT:
        raise LocalRunError(f"{name} is {text!r}; it must be a number from 1 to {_MAX_PORT}.")
    return int(text)
