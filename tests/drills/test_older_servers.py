"""Older versions of PostgreSQL: what depends on the server passes its tests on each that this machine has."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from app.kernel.postgres_programs import WHEEL
from app.local.servers.data_paths import program_folder
from app.local.servers.os_user import OsUser
from app.local.servers.postgres import Postgres
from app.local.servers.valkey import Valkey
from tests.conftest import FAST_SERVER, POSTGRES_VARIABLE, VALKEY_VARIABLE

pytestmark = [pytest.mark.drill, pytest.mark.takes_turns]

ROOT = Path(__file__).parents[2]
#: The wheel has version 16 too; Debian has one of its own, and the packages of PostgreSQL's project have all.
OF_THE_WHEEL = Path(WHEEL, "pginstall", "bin")
OLDER = [OF_THE_WHEEL, *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
#: Migrations, partitions, logs, queues, locks, search, backup and restore.
TESTS = [
    *("tests/test_migrations.py", "tests/test_partition_migration.py", "tests/kernel/database", "tests/events"),
    *("tests/operations/backup", "tests/operations/test_doctor.py", "tests/sales/queries", "tests/webhooks/deliveries"),
]


class OlderPostgres(Postgres):
    """A server of another version."""

    locale: ClassVar[tuple[str, ...]] = ("--locale=C.UTF-8",)

    def __init__(self, data_dir: Path, programs: Path) -> None:
        super().__init__(data_dir, FAST_SERVER)
        self.chosen = programs

    def _programs(self, user: OsUser | None) -> Path:
        return self.chosen if self.chosen.is_absolute() else program_folder(user, self.chosen)


@pytest.fixture(params=OLDER, ids=lambda folder: str(folder.parts[-2]))
def urls(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="ihub-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        postgres, valkey = OlderPostgres(Path(folder) / "postgres", request.param), Valkey(Path(folder) / "valkey")
        try:
            postgres.start()
            valkey.start()
            yield {POSTGRES_VARIABLE: postgres.url, VALKEY_VARIABLE: valkey.url}
        finally:
            valkey.stop()
            postgres.stop()


def test_an_older_server_does_for_what_depends_on_it(urls: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
    completed = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **urls}, capture_output=True, text=True, timeout=900, check=False
    )
    assert completed.returncode == 0, completed.stdout[-5000:]
