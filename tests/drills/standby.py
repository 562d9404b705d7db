"""A standby of the drills' PostgreSQL: it confirms each commit, and takes over when the primary is killed."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg

from app.local.children.child_processes import with_death_signal
from app.local.servers.data_paths import program_folder, server_folder
from app.local.servers.os_user import server_user
from app.local.servers.postgres import DATABASE, ROLE, Postgres


@contextmanager
def standby_of(primary: Postgres) -> Iterator[Postgres]:
    """Run a standby that follows ``primary``; from now on a commit waits until the standby has it."""
    wanted = primary.data_dir.parent / "standby"
    user = server_user(wanted)
    folder = server_folder(wanted, user)
    copy = [
        str(program_folder(user) / "pg_basebackup"),
        f"--host={_socket_folder(primary)}",
        f"--username={ROLE}",
        f"--pgdata={folder / 'data'}",
        "--write-recovery-conf",
        "--checkpoint=fast",
        "--no-sync",
    ]
    subprocess.run(with_death_signal(copy, signal.SIGKILL, user), cwd=folder, check=True)
    standby = Postgres(wanted)
    standby.start()
    try:
        _wait_for_each_commit(primary)
        yield standby
    finally:
        standby.stop()


def url_of(*servers: Postgres) -> str:
    """The address of one database at several servers, as an operator writes it."""
    hosts = ",".join(str(_socket_folder(server)) for server in servers)
    return f"postgresql://{ROLE}@/{DATABASE}?host={hosts}"


def fail_over(primary: Postgres, standby: Postgres) -> None:
    """``kill -9`` the primary with all its processes, then promote the standby."""
    postmaster = psutil.Process(primary.process.pid)
    for process in [postmaster, *postmaster.children(recursive=True)]:
        process.kill()
    primary.process.wait()
    with psycopg.connect(standby.url, autocommit=True) as connection:
        assert connection.execute("SELECT pg_promote()").fetchone() == (True,)


def _socket_folder(server: Postgres) -> Path:
    return Path(parse_qs(urlsplit(server.url).query)["host"][0])


def _wait_for_each_commit(primary: Postgres) -> None:
    with psycopg.connect(primary.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        connection.execute("SELECT pg_reload_conf()")
