"""The embedded servers for real: they keep their data, clear up after a kill, and say why they fail."""

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


def ask(server: Server, query: str) -> str:
    with closing(psycopg.connect(server.url, autocommit=True)) as connection:
        cursor = connection.execute(query)
        return str(cursor.fetchone()[0]) if cursor.description else ""


def gone(pid: int) -> bool:
    """Whether a process ended; one that nobody has waited for yet has ended too."""
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
def serving() -> Iterator[Postgres]:
    with temporary_servers({**QUICK, "work_mem": "7MB"}) as (postgres, _):
        yield postgres


class TestPostgres:
    def test_serves_a_database_in_utf8_whose_order_is_the_same_everywhere(self, serving: Postgres) -> None:
        assert ask(serving, "SHOW server_encoding") == "UTF8"
        assert ask(serving, "SELECT datlocale FROM pg_database WHERE datname = 'hub'") == "C.UTF-8"
        assert ask(serving, "SELECT upper('ışığın')") == "IŞIĞIN"
        assert ask(serving, "SELECT current_user") == "hub"

    def test_listens_on_a_private_socket_only(self, serving: Postgres) -> None:
        assert ask(serving, "SHOW listen_addresses") == ""
        folder = Path(ask(serving, "SHOW unix_socket_directories"))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_takes_settings_of_the_caller(self, serving: Postgres) -> None:
        assert ask(serving, "SHOW work_mem") == "7MB"

    def test_keeps_its_data_over_a_restart(self, ground: Path) -> None:
        with running(Postgres(ground / "pg", QUICK)) as server:
            ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        with running(Postgres(ground / "pg", QUICK)) as server:
            assert ask(server, "SELECT answer FROM kept") == "42"

    def test_a_server_that_was_killed_starts_again_beside_its_stale_pid_file(self, ground: Path) -> None:
        with running(Postgres(ground / "pg")) as server:
            ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
            server.process.kill()
            server.process.wait()
        pid_file = ground / "pg/data/postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))  # the number is somebody else's by now
        with running(Postgres(ground / "pg")) as server:
            assert ask(server, "SELECT answer FROM kept") == "42"

    def test_a_server_left_behind_is_stopped_by_the_next_start(self, ground: Path) -> None:
        first, second = Postgres(ground / "pg", QUICK), Postgres(ground / "pg", QUICK)
        with running(first) as left_behind, running(second) as server:
            assert left_behind.process.wait(1) == 0
            assert ask(server, "SELECT 1") == "1"

    def test_a_deep_folder_gets_its_socket_elsewhere_and_cleans_that_up(self, ground: Path) -> None:
        deep = ground.joinpath(*["a folder with spaces"] * 6)
        deep.mkdir(parents=True)
        with running(Postgres(deep / "pg", QUICK)) as server:
            folder = Path(ask(server, "SHOW unix_socket_directories"))
            assert len(str(folder)) < 50
        assert not folder.exists()

    def test_a_half_made_cluster_is_made_anew(self, ground: Path) -> None:
        with running(Postgres(ground / "pg", QUICK)):
            pass
        (ground / "pg/data").rename(ground / "pg/data.new")
        (ground / "pg/data.new/PG_VERSION").unlink()
        with running(Postgres(ground / "pg", QUICK)) as server:
            assert ask(server, "SELECT 1") == "1"

    def test_a_start_that_fails_says_why_in_one_line_with_the_log(self, ground: Path) -> None:
        server = Postgres(ground / "pg", {"shared_buffers": "many"})
        with pytest.raises(LocalRunError) as refusal:
            server.start()
        line = str(refusal.value)
        assert 'invalid value for parameter "shared_buffers"' in line
        assert str(server.log) in line
        assert "\n" not in line

    def test_a_cluster_of_another_release_says_so(self, ground: Path) -> None:
        with running(Postgres(ground / "pg", QUICK)):
            pass
        (ground / "pg/data/PG_VERSION").write_text("15\n")
        with pytest.raises(LocalRunError, match="incompatible"):
            Postgres(ground / "pg", QUICK).start()

    def test_stopping_twice_is_harmless(self, ground: Path) -> None:
        server = Postgres(ground / "pg", QUICK)
        server.start()
        pid = server.process.pid
        server.stop()
        server.stop()
        assert gone(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as another user")
class TestPostgresOfRoot:
    def test_runs_as_another_user(self, serving: Postgres) -> None:
        assert Path(f"/proc/{serving.process.pid}").stat().st_uid != 0

    def test_below_a_closed_folder_it_moves_to_common_ground_and_stays_there(self, ground: Path) -> None:
        ground.chmod(0o700)
        wanted = ground / "var/pg"
        try:
            with running(Postgres(wanted, QUICK)) as server:
                ask(server, "CREATE TABLE kept AS SELECT 42 AS answer")
            assert wanted.resolve().parent == SHARED_FOLDER
            with running(Postgres(wanted, QUICK)) as server:
                assert ask(server, "SELECT answer FROM kept") == "42"
            assert stat.S_IMODE(ground.stat().st_mode) == 0o700
        finally:
            shutil.rmtree(wanted.resolve())

    def test_programs_that_the_user_cannot_reach_are_copied_once(
        self, ground: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.local.data_paths.SHARED_FOLDER", ground / "common")
        monkeypatch.setattr("app.local.os_user.OsUser.can", lambda _account, what, _path: what != "-x")
        with running(Postgres(ground / "pg", QUICK)) as server:
            program = Path(f"/proc/{server.process.pid}/exe").readlink()
        assert program.is_relative_to(ground / "common")
        made = program.stat().st_mtime_ns, program.stat().st_ino
        with running(Postgres(ground / "pg", QUICK)):
            assert (program.stat().st_mtime_ns, program.stat().st_ino) == made

    def test_a_folder_that_was_closed_later_is_named(self, ground: Path) -> None:
        with running(Postgres(ground / "pg", QUICK)):
            pass
        ground.chmod(0o700)
        with pytest.raises(LocalRunError, match=f"cannot enter {ground}/pg"):
            Postgres(ground / "pg", QUICK).start()


class TestValkey:
    def test_answers_to_its_password_only(self, ground: Path) -> None:
        with running(Valkey(ground / "vk")) as server:
            port = server.url.rpartition(":")[2].removesuffix("/0")
            with redis.Redis.from_url(server.url) as client:
                assert client.ping()
            with (
                redis.Redis(port=int(port), retry=Retry(NoBackoff(), 0)) as stranger,
                pytest.raises(redis.AuthenticationError),
            ):
                stranger.ping()

    def test_keeps_the_password_where_only_its_owner_reads_it(self, ground: Path) -> None:
        with running(Valkey(ground / "vk")) as server:
            assert stat.S_IMODE((ground / "vk/valkey.conf").stat().st_mode) == 0o600
            password = server.url.partition("://:")[2].partition("@")[0]
            assert password not in Path(f"/proc/{server.process.pid}/cmdline").read_text()

    def test_refuses_rather_than_forgets_when_memory_is_full(self, ground: Path) -> None:
        with running(Valkey(ground / "vk")) as server, redis.Redis.from_url(server.url) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendonly") == {"appendonly": "no"}

    def test_keeps_what_waits_in_its_queues_over_a_restart(self, ground: Path) -> None:
        with running(Valkey(ground / "vk")) as server, redis.Redis.from_url(server.url) as client:
            client.rpush("events", "nudge")
        with running(Valkey(ground / "vk")) as server, redis.Redis.from_url(server.url) as client:
            assert client.lrange("events", 0, -1) == [b"nudge"]

    def test_a_server_left_behind_is_stopped_by_the_next_start(self, ground: Path) -> None:
        with running(Valkey(ground / "vk")) as left_behind, running(Valkey(ground / "vk")) as server:
            assert left_behind.process.wait(1) == 0
            with redis.Redis.from_url(server.url) as client:
                assert client.ping()

    def test_a_damaged_file_stops_the_start_with_one_line(self, ground: Path) -> None:
        (ground / "vk").mkdir()
        (ground / "vk/dump.rdb").write_bytes(b"no such thing")
        with pytest.raises(LocalRunError, match=r"Valkey .*server\.log"):
            Valkey(ground / "vk").start()

    def test_a_port_taken_in_the_last_moment_is_replaced(self, ground: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with running(Valkey(ground / "first")) as first:
            taken = int(first.url.rpartition(":")[2].removesuffix("/0"))
            free = Valkey(ground / "probe")
            with running(free):
                other = int(free.url.rpartition(":")[2].removesuffix("/0"))
            ports = iter([taken, other])
            monkeypatch.setattr("app.local.valkey._free_port", lambda: next(ports))
            with running(Valkey(ground / "vk")) as server:
                assert f":{other}/" in server.url


def test_temporary_servers_leave_nothing_behind() -> None:
    with temporary_servers(QUICK) as (postgres, valkey):
        assert ask(postgres, "SELECT 1") == "1"
        pids = postgres.process.pid, valkey.process.pid
        folder = postgres.data_dir.parent
    assert all(gone(pid) for pid in pids)
    assert not folder.exists()
    assert not list(Path(tempfile.gettempdir()).glob(f"{folder.name}*"))


def test_a_server_cannot_outlive_the_process_that_started_it(ground: Path) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - this branch ends in a kill
        server = Valkey(ground / "vk")
        server.start()
        os.write(write, str(server.process.pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        pid = int(pipe.read(20))
    os.waitpid(child, 0)
    assert gone(pid)
