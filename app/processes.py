"""The processes of the hub: name, command and queues of each. Launcher, compose and systemd are tested against it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.celery_config import Queue

#: Working directory of every command: the checkout.
ROOT = Path(__file__).resolve().parents[1]

#: Set for a process that must not serve before its standard input ends.
HOLD_VARIABLE = "SERVE_AT_END_OF_INPUT"

#: Stands for the data folder in a command.
DATA_DIR = "{DATA_DIR}"


@dataclass(frozen=True, slots=True)
class HubProcess:
    """One process of the hub.

    Attributes:
        name: what it is called on the screen.
        command: program and arguments; ``DATA_DIR`` in them stands for the data folder.
        queues: the Celery queues it works on.
        loads_early: it may load the application while the database is prepared, and serves when it is let go.
    """

    name: str
    command: tuple[str, ...]
    queues: tuple[str, ...] = ()
    loads_early: bool = False

    def arguments(self, environment: Mapping[str, str]) -> list[str]:
        """The command as it is run in this environment."""
        return [part.replace(DATA_DIR, environment["DATA_DIR"]) for part in self.command]


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)


def _celery(*arguments: str) -> tuple[str, ...]:
    return _python("celery", "-A", "celery_worker:celery", "--quiet", *arguments)


def _worker(name: str, *queues: Queue, concurrency: int, most_memory_kib: int = 400_000) -> HubProcess:
    options = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle")
    serving = ("--hostname", f"{name}@%h", "--queues", ",".join(queues), "--concurrency", str(concurrency))
    bounded = ("--pool", "prefork", "--max-memory-per-child", str(most_memory_kib))
    return HubProcess(name, _celery("worker", *options, *serving, *bounded), queues)


PROCESSES: tuple[HubProcess, ...] = (
    HubProcess("web", _python("gunicorn", "-c", "app/operations/gunicorn.py", "wsgi:app"), loads_early=True),
    _worker("worker", Queue.EVENTS, Queue.DEFAULT, concurrency=2),
    # Rendering takes whole seconds of a core and much memory: beside everything else, and never in its way.
    _worker("printer", Queue.PDF, concurrency=1, most_memory_kib=300_000),
    # Previews never delay issued documents, and a person who waits for one does not wait behind a month's issue.
    _worker("previewer", Queue.PREVIEWS, concurrency=1, most_memory_kib=300_000),
    # First attempts never wait behind retries, nor either behind anything else.
    _worker("webhooks", Queue.WEBHOOKS, concurrency=2),
    _worker("retries", Queue.RETRIES, concurrency=2),
    # A provider that hangs takes no process from anything else.
    _worker("providers", Queue.PROVIDERS, concurrency=2),
    # The library of the official rules takes 300 MB, and it ends a process in which two threads use it.
    _worker("checker", Queue.OFFICIAL, concurrency=1, most_memory_kib=600_000),
    # No pid file: a stale one would keep the timer from starting after a power cut.
    HubProcess(
        "beat",
        _celery("beat", "--loglevel", "WARNING", "--schedule", f"{DATA_DIR}/beat-schedule", "--pidfile", ""),
    ),
    # Everything it needs is in the environment, which other users of the machine cannot read: FLOWER_* and REDIS_URL.
    # It does not load the application, and so is up in a moment.
    HubProcess("flower", _python("celery", "--quiet", "--config", "app.flower_settings", "flower", "--logging=error")),
)

#: Brings the schema of the database up to date and makes month partitions; the migrate step of compose and systemd.
MIGRATE = HubProcess("migrate", _python("flask", "--app", "wsgi", "hub", "migrate"))

#: `make run` starts them with the demo data; they are no part of an installation.
DEMO_PROCESSES: tuple[HubProcess, ...] = (
    # Its port is in the environment: PROVIDER_SIMULATOR_PORT.
    HubProcess("provider", _python("app.provider_simulator", "--file", f"{DATA_DIR}/provider-simulator.sqlite")),
)

#: Commands that run to their end, in this order, before the processes start.
PREPARATIONS: tuple[HubProcess, ...] = (HubProcess("preparing the database", _python("app.local.migrate_and_seed")),)
