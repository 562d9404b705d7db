"""The doctor: each fault is reported with its remedy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text

from app.celery_config import CANARY_SECONDS
from app.extensions import db
from app.kernel import clock
from app.kernel.database import schema_migrations
from app.kernel.http.app import Hub
from app.operations import doctor, doctor_documents, schema_revision
from app.operations.doctor_findings import State
from app.operations.tasks import canary


def findings(subject: str, *, worst: State | None = None) -> str:
    """Messages and remedies of the findings on one subject."""
    found = [finding for finding in doctor.run_checks() if finding.subject == subject]
    assert found
    if worst:
        assert worst in {finding.state for finding in found}
        assert all(finding.remedy for finding in found if finding.state is not State.OK)
    return " | ".join(f"{finding.message} -> {finding.remedy}" for finding in found)


def test_a_healthy_hub_has_no_fault(app: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the command must work in every working directory
    for queue in CANARY_SECONDS:
        canary.apply(args=[queue])
    result = app.test_cli_runner().invoke(args=["hub", "doctor"])
    assert result.exit_code == 0, result.output
    subjects = ("configuration", "database", "migrations", "clock", "redis", "storage", "libraries", "fonts", "backup")
    for subject in (*subjects, "workers"):
        assert subject in result.output
    assert "FAULT" not in result.output


@pytest.mark.usefixtures("without_database")
def test_a_fault_sets_the_exit_code(app: Hub) -> None:
    result = app.test_cli_runner().invoke(args=["hub", "doctor"])
    assert result.exit_code == 1
    assert "-> Start PostgreSQL" in result.output
    assert "Traceback" not in result.output


@contextmanager
def database_at(revision: str) -> Iterator[str]:
    """A database that says it has another revision; yields its own."""

    def write(value: str) -> None:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :value"), {"value": value})

    before = schema_revision.current()
    assert before
    write(revision)
    try:
        yield before
    finally:
        write(before)


def test_a_missing_migration_is_a_fault(app: Hub) -> None:
    with database_at("0001") as before:
        text_of_findings = findings("migrations", worst=State.FAULT)
    assert text_of_findings == f"revision 0001, this hub needs {before} -> flask --app wsgi hub migrate"


@pytest.mark.usefixtures("without_database")
def test_migrations_without_a_database_are_an_error_of_one_line(app: Hub) -> None:
    result = app.test_cli_runner().invoke(args=["hub", "migrate"])
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)
    assert result.output.startswith("Error: ")


class TestWaitForSchema:
    def wait(self, app: Hub, seconds: str = "0") -> Result:
        return app.test_cli_runner().invoke(args=["hub", "wait-for-schema", "--seconds", seconds])

    def test_the_schema_of_this_hub_and_a_newer_one_are_enough(self, app: Hub) -> None:
        assert self.wait(app).exit_code == 0
        with database_at("9999"):
            assert self.wait(app).exit_code == 0

    def test_an_older_schema_is_an_error_when_the_time_is_over(self, app: Hub) -> None:
        with database_at("0001") as needed:
            result = self.wait(app)
        assert (result.exit_code, result.output) == (
            1,
            f"Error: The schema has revision 0001, this hub needs {needed}.\n",
        )

    def test_it_waits_until_the_migrations_have_run(self, app: Hub) -> None:
        with database_at("0001") as needed:
            statement = text("UPDATE alembic_version SET version_num = :value")

            def migrate() -> None:
                with app.app_context(), db.engine.begin() as connection:
                    connection.execute(statement, {"value": needed})

            later = threading.Timer(0.5, migrate)
            later.start()
            assert self.wait(app, "30").exit_code == 0
            later.join()

    @pytest.mark.usefixtures("without_database")
    def test_a_database_that_is_away_is_waited_for(self, app: Hub) -> None:
        result = self.wait(app)
        assert result.exit_code == 1
        assert "Traceback" not in result.output


def test_a_server_that_is_too_old_is_a_fault(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_migrations, "OLDEST_SERVER", 99)
    assert "is too old -> Upgrade it to 99 or later." in findings("database", worst=State.FAULT)


def test_a_wrong_clock_is_a_fault(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = clock.now() + timedelta(seconds=90)
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert "NTP" in findings("clock", worst=State.FAULT)


def test_redis_without_answer_is_a_fault(app_with: Callable[..., Hub]) -> None:
    with app_with(redis_url="redis://127.0.0.1:1/0").app_context():
        assert "Start Redis" in findings("redis", worst=State.FAULT)


def test_folders_that_others_can_read_are_named(
    app_with: Callable[..., Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, metrics = tmp_path / "storage", tmp_path / "metrics"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(metrics))
    for folder in (storage, metrics):
        folder.mkdir()
        folder.chmod(0o755)
    with app_with(storage_dir=storage).app_context():
        told = findings("storage", worst=State.WARNING)
        assert str(storage) in told
        assert str(metrics) in told
        for folder in (storage, metrics):
            folder.chmod(0o700)
        assert "other users" not in findings("storage", worst=State.OK)


def test_a_storage_folder_that_is_not_writable_is_a_fault(app_with: Callable[..., Hub], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with app_with(storage_dir=tmp_path / "file").app_context():
        assert "STORAGE_DIR" in findings("storage", worst=State.FAULT)


def test_missing_libraries_name_their_package(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_documents, "_can_load", lambda library: "pango" not in library)
    assert "apt-get install libpango-1.0-0 libpangoft2-1.0-0" in findings("libraries", worst=State.FAULT)
    monkeypatch.setattr(doctor_documents, "_can_load", lambda library: "harfbuzz" not in library)
    assert "libharfbuzz-subset0" in findings("libraries", worst=State.WARNING)


def test_scripts_without_a_font_are_named_with_their_packages(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "other scripts" in findings("fonts")
    monkeypatch.setattr("app.pdf.renderer.find_missing", lambda _text: frozenset("తස🧵"))
    expected = "Telugu, Sinhala, emoji -> apt-get install fonts-noto-core fonts-noto-color-emoji"
    assert expected in findings("fonts", worst=State.WARNING)


def test_missing_workers_are_a_warning(app: Hub) -> None:
    assert "No worker of the queue default is alive." in findings("workers", worst=State.WARNING)


def test_missing_programs_are_a_warning(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.kernel.postgres_programs.program_path", lambda _name: None)
    assert "pg_dump was not found -> apt-get install postgresql-client" in findings("backup", worst=State.WARNING)
