"""The doctor: each thing that is not well is named, with what mends it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.celery_config import CANARY_SECONDS
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.operations import doctor
from app.operations.doctor import State
from app.operations.tasks import canary
from tests.operations.test_health import without_database

__all__ = ["without_database"]


def findings(what: str, *, worst: State | None = None) -> str:
    """What was said about one thing, and how to mend it."""
    found = [finding for finding in doctor.run_checks() if finding.what == what]
    assert found
    if worst:
        assert worst in {finding.state for finding in found}
        assert all(finding.mend for finding in found if finding.state is not State.OK)
    return " | ".join(f"{finding.said} -> {finding.mend}" for finding in found)


def test_a_hub_that_is_well_has_no_fault(app: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # whoever looks after a hub need not stand in its folder
    for queue in CANARY_SECONDS:
        canary.apply(args=[queue])
    result = app.test_cli_runner().invoke(args=["hub", "doctor"])
    assert result.exit_code == 0, result.output
    looked_at = ("configuration", "database", "migrations", "clock", "redis", "storage", "libraries", "fonts", "backup")
    for what in (*looked_at, "workers"):
        assert what in result.output
    assert "FAULT" not in result.output


@pytest.mark.usefixtures("without_database")
def test_a_fault_is_in_the_exit_code(app: Hub) -> None:
    result = app.test_cli_runner().invoke(args=["hub", "doctor"])
    assert result.exit_code == 1
    assert "-> Start PostgreSQL" in result.output
    assert "Traceback" not in result.output


def test_a_database_of_an_older_version_is_told(app: Hub) -> None:
    with db.engine.begin() as connection:
        [before] = connection.execute(text("SELECT version_num FROM alembic_version")).one()
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        said = findings("migrations", worst=State.FAULT)
    finally:
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})
    assert said == f"revision 0001, this hub needs {before} -> flask --app wsgi db upgrade"


def test_a_clock_that_is_wrong_is_told(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = clock.now() + timedelta(seconds=90)
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert "NTP" in findings("clock", worst=State.FAULT)


def test_a_redis_that_is_gone_is_told(app_with: Callable[..., Hub]) -> None:
    with app_with(redis_url="redis://127.0.0.1:1/0").app_context():
        assert "Start Redis" in findings("redis", worst=State.FAULT)


def test_a_folder_that_cannot_be_written_is_told(app_with: Callable[..., Hub], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with app_with(storage_dir=tmp_path / "file").app_context():
        assert "STORAGE_DIR" in findings("storage", worst=State.FAULT)


def test_missing_libraries_are_told_by_the_package_that_has_them(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_can_load", lambda library: "pango" not in library)
    assert "apt-get install libpango-1.0-0 libpangoft2-1.0-0" in findings("libraries", worst=State.FAULT)
    monkeypatch.setattr(doctor, "_can_load", lambda library: "harfbuzz" not in library)
    assert "libharfbuzz-subset0" in findings("libraries", worst=State.WARNING)


def test_workers_that_are_gone_are_told(app: Hub) -> None:
    assert "No worker of the queue default is alive." in findings("workers", worst=State.WARNING)


def test_programs_that_are_missing_are_told(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.kernel.postgres_programs.program_path", lambda _name: None)
    assert "pg_dump was not found -> apt-get install postgresql-client" in findings("backup", worst=State.WARNING)
