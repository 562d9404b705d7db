"""Embedded PostgreSQL: settings, data over a restart, start after a kill, errors, another system user."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local.errors import LocalRunError
from app.local.servers.data_paths import SHARED_FOLDER
from app.local.servers.postgres import Postgres
from app.local.servers.temporary import temporary_servers
from tests.local.servers.helpers import QUICK, has_ended, query, running


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

    @pytest.mark.slow
    def test_keeps_its_data_over_a_restart(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg", QUICK)) as server:
            query(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        with running(Postgres(server_dir / "pg", QUICK)) as server:
            assert query(server, "SELECT answer FROM kept") == "42"

    @pytest.mark.slow
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

    @pytest.mark.slow
    def test_the_next_start_stops_a_server_that_still_runs(self, server_dir: Path) -> None:
        first, second = Postgres(server_dir / "pg", QUICK), Postgres(server_dir / "pg", QUICK)
        with running(first) as previous, running(second) as server:
            assert previous.process.wait(1) == 0
            assert query(server, "SELECT 1") == "1"

    @pytest.mark.slow
    def test_a_long_path_uses_a_temporary_socket_folder(self, server_dir: Path) -> None:
        deep = server_dir.joinpath(*["a folder with spaces"] * 6)
        deep.mkdir(parents=True)
        with running(Postgres(deep / "pg", QUICK)) as server:
            folder = Path(query(server, "SHOW unix_socket_directories"))
            assert len(str(folder)) < 50
        assert not folder.exists()

    @pytest.mark.slow
    def test_an_incomplete_cluster_is_created_again(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg", QUICK)):
            pass
        (server_dir / "pg/data").rename(server_dir / "pg/data.new")
        (server_dir / "pg/data.new/PG_VERSION").unlink()
        with running(Postgres(server_dir / "pg", QUICK)) as server:
            assert query(server, "SELECT 1") == "1"

    @pytest.mark.slow
    def test_a_failed_start_has_one_line_with_cause_and_log(self, server_dir: Path) -> None:
        server = Postgres(server_dir / "pg", {"shared_buffers": "many"})
        with pytest.raises(LocalRunError) as refused:
            server.start()
        line = str(refused.value)
        assert 'invalid value for parameter "shared_buffers"' in line
        assert str(server.log) in line
        assert "\n" not in line

    @pytest.mark.slow
    def test_a_cluster_of_another_release_is_refused(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg", QUICK)):
            pass
        (server_dir / "pg/data/PG_VERSION").write_text("15\n")
        with pytest.raises(LocalRunError, match="incompatible"):
            Postgres(server_dir / "pg", QUICK).start()

    @pytest.mark.slow
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

    @pytest.mark.slow
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

    @pytest.mark.slow
    def test_programs_that_the_user_cannot_access_are_copied_once(
        self, server_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.local.servers.data_paths.SHARED_FOLDER", server_dir / "shared")
        monkeypatch.setattr("app.local.servers.os_user.OsUser.can", lambda _user, option, _path: option != "-x")
        with running(Postgres(server_dir / "pg", QUICK)) as server:
            program = Path(f"/proc/{server.process.pid}/exe").readlink()
        assert program.is_relative_to(server_dir / "shared")
        copied = program.stat().st_mtime_ns, program.stat().st_ino
        with running(Postgres(server_dir / "pg", QUICK)):
            assert (program.stat().st_mtime_ns, program.stat().st_ino) == copied

    @pytest.mark.slow
    def test_a_folder_that_is_closed_later_is_named(self, server_dir: Path) -> None:
        with running(Postgres(server_dir / "pg", QUICK)):
            pass
        server_dir.chmod(0o700)
        with pytest.raises(LocalRunError, match=f"cannot enter {server_dir}/pg"):
            Postgres(server_dir / "pg", QUICK).start()
