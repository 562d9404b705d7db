"""The embedded PostgreSQL: made, started and stopped from the programs of its wheel."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psycopg

from app.local.child_processes import Escalation, spawn, stop_stale_servers, with_death_signal
from app.local.data_paths import program_folder, server_folder
from app.local.errors import LocalRunError
from app.local.os_user import OsUser, server_user
from app.local.server import Server

DATABASE = ROLE = "hub"
#: sun_path holds 108 bytes, the last one a NUL.
_SOCKET_PATH_BYTES = 107
#: Short on every machine; mkdtemp makes a fresh private folder there.
_SOCKET_FOLDERS = Path("/tmp")  # noqa: S108
_SOCKET_FOLDER_PREFIX = "invoice-hub-"
#: In postmaster.pid, counted from 0.
_PID_FILE_SOCKET_LINE = 4


class Postgres(Server):
    """One cluster with the database and the role ``hub``, reachable through a private Unix socket only.

    Args:
        data_dir: the server's own folder; the cluster lies in ``data`` below it.
        settings: server settings that differ from the defaults, for instance ``{"fsync": "off"}``.
    """

    name = "PostgreSQL"
    start_seconds = 120.0  # a recovery after a crash may take its time
    #: Fast shutdown, then immediate shutdown: both keep every committed transaction.
    ending: ClassVar[Escalation] = (
        (signal.SIGINT, 6.0),
        (signal.SIGQUIT, 2.0),
        (signal.SIGKILL, 1.0),
    )

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(data_dir)
        self.settings = dict(settings or {})
        self._sockets: Path | None = None

    def stop(self) -> None:
        super().stop()
        if self._sockets:
            _remove_socket_folder(self._sockets)
        self._sockets = None

    def _launch(self) -> subprocess.Popen[bytes]:
        account = server_user(self.data_dir)
        home = server_folder(self.data_dir, account)
        self.log = home / "server.log"
        programs = program_folder(account)
        cluster = home / "data"
        stop_stale_servers(cluster, "postgres", self.ending)
        _clear_pid_file(cluster / "postmaster.pid")
        if not cluster.exists():
            draft = _make_cluster(home, programs, account, durable=self.settings.get("fsync") != "off")
            draft.rename(cluster)
        self._sockets = _socket_folder(home, account)
        self.url = f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._sockets))}"
        self._open_log()
        command = [str(programs / "postgres"), "-D", str(cluster), *self._options(self._sockets)]
        with self.log.open("ab") as log:
            return spawn(
                with_death_signal(command, signal.SIGINT, account), cwd=home, environment=_environment(), output=log
            )

    def _options(self, sockets: Path) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.settings,
        }
        return [f"--{name}={value}" for name, value in settings.items()]

    def _answers(self) -> bool:
        try:
            with self._connect("postgres") as connection:
                query = "SELECT 1 FROM pg_database WHERE datname = %s"
                known = connection.execute(query, [DATABASE]).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError as error:
            if isinstance(error, psycopg.errors.DiskFull):
                raise LocalRunError(f"The disk is full: {self.last_words()}") from error
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self._sockets), user=ROLE, dbname=database, autocommit=True, connect_timeout=5)


def _environment() -> dict[str, str]:
    """Without the PG* variables of the caller, which would send the programs elsewhere."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _make_cluster(home: Path, programs: Path, account: OsUser | None, *, durable: bool) -> Path:
    """Make the cluster beside its place, so that one cut short is never taken for a whole one."""
    draft = home / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    initdb = [str(programs / "initdb"), f"--pgdata={draft}", f"--username={ROLE}", "--auth=trust"]
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    made = subprocess.run(
        with_death_signal([*initdb, *locale, *(() if durable else ("--no-sync",))], signal.SIGKILL, account),
        check=False,
        cwd=home,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if made.returncode != 0:
        lines = made.stdout.decode(errors="replace").splitlines()
        grave = [line for line in lines if "error" in line or "FATAL" in line] or lines or ["it said nothing"]
        raise LocalRunError(f"PostgreSQL could not make its database in {home}: {grave[-1].strip()}")
    return draft


def _socket_folder(home: Path, account: OsUser | None) -> Path:
    """The server's folder where its path serves as a socket's, else a short private one."""
    longest = home / ".s.PGSQL.5432"
    if len(os.fsencode(longest)) <= _SOCKET_PATH_BYTES and re.fullmatch(r"[\w/.+-]+", str(home), re.ASCII):
        return home
    folder = Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER_PREFIX, dir=_SOCKET_FOLDERS))
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder


def _clear_pid_file(pid_file: Path) -> None:
    """Remove what a killed server left: its process number may belong to somebody else by now."""
    if pid_file.exists():
        lines = pid_file.read_text().splitlines()
        if len(lines) > _PID_FILE_SOCKET_LINE and lines[_PID_FILE_SOCKET_LINE]:
            _remove_socket_folder(Path(lines[_PID_FILE_SOCKET_LINE]))
        pid_file.unlink()


def _remove_socket_folder(folder: Path) -> None:
    if folder.parent == _SOCKET_FOLDERS and folder.name.startswith(_SOCKET_FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
