"""Embedded PostgreSQL: creation, start and stop with the programs of its wheel."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from app.local.children.child_processes import Escalation, spawn, stop_stale_servers, with_death_signal
from app.local.errors import LocalRunError
from app.local.servers.data_paths import program_folder, server_folder
from app.local.servers.os_user import OsUser, server_user
from app.local.servers.server import Server

if TYPE_CHECKING:
    import psycopg

DATABASE = ROLE = "hub"
#: ``sun_path`` has 108 bytes, including the final NUL.
_SOCKET_PATH_BYTES = 107
#: A short path on every machine; ``mkdtemp`` creates a private folder in it.
_SOCKET_FOLDERS = Path("/tmp")  # noqa: S108
_SOCKET_FOLDER_PREFIX = "invoice-hub-"
#: Line of the socket folder in postmaster.pid, counted from 0.
_PID_FILE_SOCKET_LINE = 4


class Postgres(Server):
    """One cluster with the database and the role ``hub``, reachable through a private Unix socket only.

    Args:
        data_dir: folder of the server; the cluster is in its subfolder ``data``.
        settings: server settings that differ from the defaults, for instance ``{"fsync": "off"}``.
    """

    name = "PostgreSQL"
    start_seconds = 120.0  # a recovery after a crash may take long
    #: Fast shutdown, then immediate shutdown; both keep every committed transaction.
    ending: ClassVar[Escalation] = (
        (signal.SIGINT, 6.0),
        (signal.SIGQUIT, 2.0),
        (signal.SIGKILL, 1.0),
    )
    #: How the cluster sorts: by code points, as PostgreSQL does without a library of the machine since version 17.
    locale: ClassVar[tuple[str, ...]] = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(data_dir)
        self.settings = dict(settings or {})
        self._socket_dir: Path | None = None

    def stop(self) -> None:
        super().stop()
        if self._socket_dir:
            _remove_socket_folder(self._socket_dir)
        self._socket_dir = None

    def _launch(self) -> subprocess.Popen[bytes]:
        user = server_user(self.data_dir)
        folder = server_folder(self.data_dir, user)
        self.log = folder / "server.log"
        programs = self._programs(user)
        cluster = folder / "data"
        stop_stale_servers(cluster, "postgres", self.ending)
        _clear_pid_file(cluster / "postmaster.pid")
        if not cluster.exists():
            options = [*self.locale, *(["--no-sync"] if self.settings.get("fsync") == "off" else ())]
            new_cluster = _make_cluster(folder, programs, user, options)
            new_cluster.rename(cluster)
        self._socket_dir = _socket_folder(folder, user)
        self.url = f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._socket_dir))}"
        self._open_log()
        command = [str(programs / "postgres"), "-D", str(cluster), *self._options(self._socket_dir)]
        with self.log.open("ab") as log:
            return spawn(
                with_death_signal(command, signal.SIGINT, user), cwd=folder, environment=_environment(), output=log
            )

    def _programs(self, user: OsUser | None) -> Path:
        """Folder with ``initdb`` and ``postgres``."""
        return program_folder(user)

    def _options(self, socket_dir: Path) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(socket_dir),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.settings,
        }
        return [f"--{name}={value}" for name, value in settings.items()]

    def _is_ready(self) -> bool:
        import psycopg  # noqa: PLC0415 - the driver is loaded while the server starts

        try:
            with self._connect("postgres") as connection:
                query = "SELECT 1 FROM pg_database WHERE datname = %s"
                exists = connection.execute(query, [DATABASE]).fetchone()
                if exists is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError as error:
            if isinstance(error, psycopg.errors.DiskFull):
                raise LocalRunError(f"The disk is full: {self.last_error()}") from error
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        import psycopg  # noqa: PLC0415 - see above

        return psycopg.connect(
            host=str(self._socket_dir), user=ROLE, dbname=database, autocommit=True, connect_timeout=5
        )


def _environment() -> dict[str, str]:
    """Environment without the PG* variables of the caller, which would change the target of the programs."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _make_cluster(folder: Path, programs: Path, user: OsUser | None, options: Sequence[str]) -> Path:
    """Create the cluster under a temporary name, so that an interrupted creation leaves no incomplete cluster."""
    new_cluster = folder / "data.new"
    shutil.rmtree(new_cluster, ignore_errors=True)
    initdb = [str(programs / "initdb"), f"--pgdata={new_cluster}", f"--username={ROLE}", "--auth=trust"]
    completed = subprocess.run(
        with_death_signal([*initdb, "--encoding=UTF8", *options], signal.SIGKILL, user),
        check=False,
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if completed.returncode != 0:
        lines = completed.stdout.decode(errors="replace").splitlines()
        errors = [line for line in lines if "error" in line or "FATAL" in line] or lines or ["no output"]
        raise LocalRunError(f"PostgreSQL could not create its database in {folder}: {errors[-1].strip()}")
    return new_cluster


def _socket_folder(folder: Path, user: OsUser | None) -> Path:
    """Folder of the socket: that of the server if its path is short and plain enough, else a private one in /tmp."""
    socket_path = folder / ".s.PGSQL.5432"
    if len(os.fsencode(socket_path)) <= _SOCKET_PATH_BYTES and re.fullmatch(r"[\w/.+-]+", str(folder), re.ASCII):
        return folder
    private = Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER_PREFIX, dir=_SOCKET_FOLDERS))
    if user:
        os.chown(private, user.uid, user.gid)
    return private


def _clear_pid_file(pid_file: Path) -> None:
    """Remove the PID file of a killed server: its process id may belong to another process now."""
    if pid_file.exists():
        lines = pid_file.read_text().splitlines()
        if len(lines) > _PID_FILE_SOCKET_LINE and lines[_PID_FILE_SOCKET_LINE]:
            _remove_socket_folder(Path(lines[_PID_FILE_SOCKET_LINE]))
        pid_file.unlink()


def _remove_socket_folder(folder: Path) -> None:
    if folder.parent == _SOCKET_FOLDERS and folder.name.startswith(_SOCKET_FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
