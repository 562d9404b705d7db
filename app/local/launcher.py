"""``make run`` from the first check to the last server stopped."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from app.local import checks, external_servers
from app.local.banner import ReadyBanner
from app.local.child_processes import describe_exit, with_death_signal
from app.local.console import print_line
from app.local.errors import LocalRunError, describe_os_error
from app.local.process_group import ProcessGroup
from app.local.servers import Postgres, Server, Valkey
from app.local.settings import METRICS_FOLDER, OWN_SERVERS, Settings, environment_for, write_environment_file
from app.processes import PREPARATIONS, PROCESSES, ROOT, HubProcess


class StopRequestedError(BaseException):
    """Somebody asked the hub to stop; raised wherever the launcher happens to be."""


def launch(
    given: Mapping[str, str],
    table: Sequence[HubProcess] = PROCESSES,
    preparations: Sequence[HubProcess] = PREPARATIONS,
) -> int:
    """Run the hub until it is asked to stop or a part of it ends.

    Returns:
        The exit code: 0 after a stop on request, else 1.
    """
    _handle_stop_signals()
    with ExitStack() as stack:
        return _run_and_report(given, table, preparations, stack)


def _run_and_report(
    given: Mapping[str, str],
    table: Sequence[HubProcess],
    preparations: Sequence[HubProcess],
    stack: ExitStack,
) -> int:
    """What ended the run is said before anything is stopped, and no Ctrl-C cuts the stop short."""
    try:
        _run(given, table, preparations, stack)
    except StopRequestedError:
        return 0
    except LocalRunError as error:
        _ignore_stop_signals()
        print_line(str(error))
    except OSError as error:
        _ignore_stop_signals()
        print_line(describe_os_error(error))
    return 1


def _run(
    given: Mapping[str, str],
    table: Sequence[HubProcess],
    preparations: Sequence[HubProcess],
    stack: ExitStack,
) -> None:
    began = time.monotonic()
    settings = Settings.read(given)
    checks.prepare_data_dir(settings.data_dir)
    stack.enter_context(checks.exclusive_use(settings.data_dir))
    checks.require_port(settings.host, settings.port)
    flower_port = checks.flower_port(settings.flower_port, settings.flower_port_given)
    environment = environment_for(given, settings, flower_port)
    stack.callback(print_line, "stopped.")
    servers = _start_servers(environment, settings, stack)
    environment["CELERY_BROKER_URL"] = environment["REDIS_URL"]
    _clear_metrics(settings.data_dir / METRICS_FOLDER)
    write_environment_file(environment)
    for preparation in preparations:
        _run_preparation(preparation, environment)
    group = stack.enter_context(ProcessGroup(table, environment).running())
    stack.callback(print_line, "stopping ...")
    group.watch(servers, ReadyBanner(environment, began).tick)


def _clear_metrics(folder: Path) -> None:
    """Counters begin anew with each run: the files of ended processes would only grow in number."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def _start_servers(environment: dict[str, str], settings: Settings, stack: ExitStack) -> list[Server]:
    """Start the servers that no address was given for, and put theirs into the environment."""
    wanted: list[tuple[str, Callable[[str], None], Server]] = [
        ("DATABASE_URL", external_servers.require_database, Postgres(settings.data_dir / "postgres")),
        ("REDIS_URL", external_servers.require_broker, Valkey(settings.data_dir / "valkey")),
    ]
    started = []
    for name, require, server in wanted:
        if given := environment.get(name):
            require(given)
            continue
        print_line(f"starting {server.name} ...")
        server.start()
        stack.callback(server.stop)
        environment[name] = server.url
        environment[OWN_SERVERS] = f"{environment.get(OWN_SERVERS, '')} {name}".strip()
        started.append(server)
    return started


def _run_preparation(step: HubProcess, environment: Mapping[str, str]) -> None:
    print_line(f"{step.name} ...")
    done = subprocess.run(
        with_death_signal(step.arguments(environment), signal.SIGKILL),
        check=False,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if done.returncode != 0:
        print(done.stdout.decode(errors="replace").rstrip(), flush=True)
        raise LocalRunError(f"{step.name} {describe_exit(done.returncode)}; its lines are above.")


def _handle_stop_signals() -> None:
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _request_stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as ``nohup make run`` has it
        signal.signal(signal.SIGHUP, _request_stop)


def _ignore_stop_signals() -> None:
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)


def _request_stop(_signum: int, _frame: FrameType | None) -> None:
    _ignore_stop_signals()  # one request is enough
    raise StopRequestedError
