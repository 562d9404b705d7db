"""Embedded PostgreSQL and Valkey: data over a restart, start after a kill, errors of a failed start."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.local.data_paths import SHARED_FOLDER
from app.local.errors import LocalRunError
from app.local.servers import Postgres, Server, Valkey, temporary_servers

QUICK = {"fsync": "off"}


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def query(server: Server, statement: str) -> str:
    with closing(psycopg.connect(server.url, autocommit=True)) as connection:
        cursor = connection.execute(statement)
        return str(cursor.fetchone()[0]) if cursor.description else ""


def has_ended(pid: int) -> bool:
    """Whether a process ends within 5 s; a zombie counts as ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with temporary_servers({**QUICK, "work_mem": "7MB"}) as (postgres, _):
        yield postgres


class TestPostgres:
    def test_the_database_is_utf8_with_a_fixed_collation(self, postgres: Postgres) -> None:
        assert query(postgres, "SHOW server_encoding") == "UTF8"
        assert query(postgres, "SELECT datlocale FROM pg_database WHERE datname = 'hub'") == "C.UTF-8"
        assert query(postgres, "SELECT upper('ışığın')") == "IŞIĞIN"
        assert query(postgres, "SELECT current_user") == "hub"

    def test_listens_on_a_private_socket_only(self, postgres: Postgres) -> None:
        assert query(postgres, "SHOW listen_addresses") == ""
        folder = Path(query(postgres, "SHOW unix_socket_directories"))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_uses_settings_of_the_caller(self, postgres: Postgres) -> None:
        assert query(postgres, "SHOW work_mem") == "7MB"

    def test_keeps_its_data_over_a_restart(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg", QUICK)) as server:
            query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        with running(Postgres(server_dir / "pg", QUICK)) as server:
            assert query(server, "SELECT answer FROM kept") == "42"

    def test_starts_again_after_a_kill_despite_a_stale_pid_file(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg")) as server:
            query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
            server.process.kill()
            server.process.wait()
        pid_file = server_dir / "pg/data/postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))  # the process id belongs to another process now
        with running(Postgres(server_dir / "pg")) as server:
            assert query(server, "SELECT answer FROM kept") == "42"

    def test_the_next_start_stops_a_server_that_still_runs(self, server_dir: Path) -> None:
        first, second = Postgres(server_dir / "pg", QUICK), Postgres(server_dir / "pg", QUICK)
        with running(first) as previous, running(second) as server:
            assert previous.process.wait(1) == 0
            assert query(server, "SELECT 1") == "1"

    def test_a_long_path_uses_a_temporary_socket_folder(self, server_dir: Path) -> None:
        deep = server_dir.joinpath(*["a folder with spaces"] * 6)
        deep.mkdir(parents=True)
        with running(Postgres(deep / "pg", QUICK)) as server:
            folder = Path(query(server, "SHOW unix_socket_directories"))
            assert len(str(folder)) < 50
        assert not folder.exists()

    def test_an_incomplete_cluster_is_created_again(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg", QUICK)):
            pass
        (server_dir / "pg/data").rename(server_dir / "pg/data.new")
        (server_dir / "pg/data.new/PG_VERSION").unlink()
        with running(Postgres(server_dir / "pg", QUICK)) as server:
            assert query(server, "SELECT 1") == "1"

    def test_a_failed_start_has_one_line_with_cause_and_log(self, server_dir: Path) -> None:
        server = Postgres(server_dir / "pg", {"shared_buffers": "many"})
        with pytest.raises(LocalRunError) as refused:
            server.start()
        line = str(refused.value)
        assert 'invalid value for parameter "shared_buffers"' in line
        assert str(server.log) in line
        assert "\n" not in line

    def test_a_cluster_of_another_release_is_refused(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg", QUICK)):
            pass
        (server_dir / "pg/data/PG_VERSION").write_text("15\n")
        with pytest.raises(LocalRunError, match="incompatible"):
            Postgres(server_dir / "pg", QUICK).start()

    def test_stopping_twice_is_harmless(self, server_dir: Path) -> None:
        server = Postgres(server_dir / "pg", QUICK)
        server.start()
        pid = server.process.pid
        server.stop()
        server.stop()
        assert has_ended(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user")
class TestPostgresOfRoot:
    def test_runs_as_another_user(self, postgres: Postgres) -> None:
        assert Path(f"/proc/{postgres.process.pid}").stat().st_uid != 0

    def test_below_a_closed_folder_it_uses_the_shared_folder_and_stays_there(self, server_dir: Path) -> None:
        server_dir.chmod(0o700)
        wanted = server_dir / "var/pg"
        try:
            with running(Postgres(wanted, QUICK)) as server:
                query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
            assert wanted.resolve().parent == SHARED_FOLDER
            with running(Postgres(wanted, QUICK)) as server:
                assert query(server, "SELECT answer FROM kept") == "42"
            assert stat.S_IMODE(server_dir.stat().st_mode) == 0o700
        finally:
            shutil.rmtree(wanted.resolve())

    def test_programs_that_the_user_cannot_access_are_copied_once(
        self, server_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.local.data_paths.SHARED_FOLDER", server_dir / "shared")
        monkeypatch.setattr("app.local.os_user.OsUser.can", lambda _user, option, _path: option != "-x")
        with running(Postgres(server_dir / "pg", QUICK)) as server:
            program = Path(f"/proc/{server.process.pid}/exe").readlink()
        assert program.is_relative_to(server_dir / "shared")
        copied = program.stat().st_mtime_ns, program.stat().st_ino
        with running(Postgres(server_dir / "pg", QUICK)):
            assert (program.stat().st_mtime_ns, program.stat().st_ino) == copied

    def test_a_folder_that_is_closed_later_is_named(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg", QUICK)):
            pass
        server_dir.chmod(0o700)
        with pytest.raises(LocalRunError, match=f"cannot enter {server_dir}/pg"):
            Postgres(server_dir / "pg", QUICK).start()


class TestValkey:
    def test_requires_its_password(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as server:
            port = server.url.rpartition(":")[2].removesuffix("/0")
            with redis.Redis.from_url(server.url) as client:
                assert client.ping()
            with (
                redis.Redis(port=int(port), retry=Retry(NoBackoff(), 0)) as anonymous,
                pytest.raises(redis.AuthenticationError),
            ):
                anonymous.ping()

    def test_the_password_is_readable_by_its_owner_only(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as server:
            assert stat.S_IMODE((server_dir / "vk/valkey.conf").stat().st_mode) == 0o600
            password = server.url.partition("://:")[2].partition("@")[0]
            assert password not in Path(f"/proc/{server.process.pid}/cmdline").read_text()

    def test_refuses_writes_instead_of_evicting_when_memory_is_full(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as server, redis.Redis.from_url(server.url) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendonly") == {"appendonly": "no"}

    def test_keeps_its_queues_over_a_restart(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as server, redis.Redis.from_url(server.url) as client:
            client.rpush("events", "message")
        with running(Valkey(server_dir / "vk")) as server, redis.Redis.from_url(server.url) as client:
            assert client.lrange("events", 0, -1) == [b"message"]

    def test_the_next_start_stops_a_server_that_still_runs(self, server_dir: Path) -> None:
        with running(Valkey(server_dir / "vk")) as previous, running(Valkey(server_dir / "vk")) as server:
            assert previous.process.wait(1) == 0
            with redis.Redis.from_url(server.url) as client:
                assert client.ping()

    def test_a_damaged_file_is_reported_in_one_line(self, server_dir: Path) -> None:
        (server_dir / "vk").mkdir()
        (server_dir / "vk/dump.rdb").write_bytes(b"no such thing")
        with pytest.raises(LocalRunError, match=r"Valkey .*server\.log"):
            Valkey(server_dir / "vk").start()

    def test_a_port_taken_at_the_last_moment_is_replaced(
        self, server_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with running(Valkey(server_dir / "first")) as first:
            taken = int(first.url.rpartition(":")[2].removesuffix("/0"))
            free = Valkey(server_dir / "probe")
            with running(free):
                other = int(free.url.rpartition(":")[2].removesuffix("/0"))
            ports = iter([taken, other])
            monkeypatch.setattr("app.local.valkey._free_port", lambda: next(ports))
            with running(Valkey(server_dir / "vk")) as server:
                assert f":{other}/" in server.url


def test_temporary_servers_delete_their_files() -> None:
    with temporary_servers(QUICK) as (postgres, valkey):
        assert query(postgres, "SELECT 1") == "1"
        pids = postgres.process.pid, valkey.process.pid
        folder = postgres.data_dir.parent
    assert all(has_ended(pid) for pid in pids)
    assert not folder.exists()
    assert not list(Path(tempfile.gettempdir()).glob(f"{folder.name}*"))


def test_a_server_cannot_outlive_the_process_that_started_it(server_dir: Path) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - this branch ends in a kill
        server = Valkey(server_dir / "vk")
        server.start()
        os.write(write, str(server.process.pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        pid = int(pipe.read(20))
    os.waitpid(child, 0)
    assert has_ended(pid)
