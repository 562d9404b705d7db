"""Launcher of ``make run``: checks, servers, migrations, processes, and the stop of all of them."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from app.kernel.system.private_folders import close_folder
from app.local import checks
from app.local.banner import ReadyBanner
from app.local.children.child_processes import describe_exit
from app.local.children.process_group import ProcessGroup
from app.local.children.spawner import Spawner
from app.local.console import print_line
from app.local.errors import LocalRunError, describe_os_error
from app.local.servers import external_servers
from app.local.servers.postgres import Postgres
from app.local.servers.server import Server
from app.local.servers.valkey import Valkey
from app.local.settings import (
    METRICS_FOLDER,
    OWN_SERVERS,
    SIMULATOR_PORT,
    STORAGE_FOLDER,
    Settings,
    environment_for,
    simulator_environment,
    write_environment_file,
)
from app.processes import DEMO_PROCESSES, PREPARATIONS, PROCESSES, HubProcess


class StopRequestedError(BaseException):
    """A signal asked the hub to stop; raised at any point of the launcher."""


def launch(
    environ: Mapping[str, str],
    table: Sequence[HubProcess] = PROCESSES,
    preparations: Sequence[HubProcess] = PREPARATIONS,
) -> int:
    """Run the hub until a signal stops it or one of its processes ends.

    Returns:
        Exit code: 0 after a stop by a signal, else 1.
    """
    _handle_stop_signals()
    with ExitStack() as stack:
        return _run_and_report(environ, table, preparations, stack)


def _run_and_report(
    environ: Mapping[str, str],
    table: Sequence[HubProcess],
    preparations: Sequence[HubProcess],
    stack: ExitStack,
) -> int:
    """Print the reason of the end before anything stops; from then on Ctrl-C cannot interrupt the stop."""
    try:
        _run(environ, table, preparations, stack)
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
    environ: Mapping[str, str],
    table: Sequence[HubProcess],
    preparations: Sequence[HubProcess],
    stack: ExitStack,
) -> None:
    started = time.monotonic()
    settings = Settings.read(environ)
    checks.prepare_data_dir(settings.data_dir)
    stack.enter_context(checks.exclusive_use(settings.data_dir))
    checks.require_port(settings.host, settings.port)
    flower_port = checks.side_port("FLOWER_PORT", settings.flower_port, given=settings.flower_port_given)
    environment = environment_for(environ, settings, flower_port)
    if settings.demo:
        port = checks.side_port(SIMULATOR_PORT, settings.simulator_port, given=settings.simulator_port_given)
        environment |= simulator_environment(environ, port)
        table = (*table, *DEMO_PROCESSES)
    stack.callback(print_line, "stopped.")
    servers = _start_servers(environment, settings, stack)
    _clear_metrics(settings.data_dir / METRICS_FOLDER)
    if Path(environment["STORAGE_DIR"]) == settings.data_dir / STORAGE_FOLDER:
        close_folder(settings.data_dir / STORAGE_FOLDER)
    write_environment_file(environment)
    spawner = Spawner(environment)
    stack.callback(spawner.close)
    group = stack.enter_context(ProcessGroup(table, spawner).loading())
    for preparation in preparations:
        _run_preparation(preparation, spawner)
    group.start()
    stack.callback(print_line, "stopping ...")
    group.watch(servers, ReadyBanner(environment, started).tick)


def _clear_metrics(folder: Path) -> None:
    """Delete the metric files of the previous run; otherwise their number would grow with each process."""
    shutil.rmtree(folder, ignore_errors=True)
    close_folder(folder)


def _start_servers(environment: dict[str, str], settings: Settings, stack: ExitStack) -> list[Server]:
    """Start the servers for which no URL was given, and add their URLs to the environment."""
    candidates: list[tuple[str, Callable[[str], None], Server]] = [
        ("DATABASE_URL", external_servers.require_database, Postgres(settings.data_dir / "postgres")),
        ("REDIS_URL", external_servers.require_broker, Valkey(settings.data_dir / "valkey")),
    ]
    started = []
    for name, require, server in candidates:
        if url := environment.get(name):
            require(url)
            continue
        print_line(f"starting {server.name} ...")
        server.start()
        stack.callback(server.stop)
        environment[name] = server.url
        environment[OWN_SERVERS] = f"{environment.get(OWN_SERVERS, '')} {name}".strip()
        started.append(server)
    return started


def _run_preparation(step: HubProcess, spawner: Spawner) -> None:
    print_line(f"{step.name} ...")
    with tempfile.TemporaryFile() as output:
        try:
            code = spawner.start(step, output.fileno()).wait()
        except ConnectionError:  # the application cannot be loaded
            code = 1
        if code != 0:
            output.seek(0)
            print(output.read().decode(errors="replace").rstrip(), flush=True)
            raise LocalRunError(f"{step.name} {describe_exit(code)}; its output is above.")


def _handle_stop_signals() -> None:
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, _request_stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # ``nohup`` ignores it
        signal.signal(signal.SIGHUP, _request_stop)


def _ignore_stop_signals() -> None:
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)


def _request_stop(_signum: int, _frame: FrameType | None) -> None:
    _ignore_stop_signals()  # further signals must not interrupt the stop
    raise StopRequestedError
