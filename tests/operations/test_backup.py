"""A backup is taken from a filled hub and restored into an empty one, and every row and file is compared."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
import sqlalchemy as sa
from click.testing import Result
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts import audit
from app.config import Settings
from app.einvoices.models.work import EinvoicePdf
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import heartbeat
from app.operations.backup.encryption import CHUNK_BYTES, MAGIC, DecryptingReader, DecryptionError, EncryptingWriter
from tests.einvoices.conftest import issued, owner, owner_as
from tests.factories import a_sale

__all__ = ["owner", "owner_as"]

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "a passphrase of the tests"


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that take half a second to make are for passphrases that guard something."""
    monkeypatch.setattr("app.operations.backup.encryption._SCRYPT_N", 2)


@pytest.fixture
def filled(
    app: Hub, settings: Settings, client_as: Callable[..., Any], owner: FlaskClient, erp: FlaskClient
) -> Iterator[Path]:
    """A hub in which something has happened in every room; its storage folder."""
    assert erp.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
    assert client_as("warehouse").post("/api/suppliers", json={"name": "Mill"}).status_code == 201
    issued(owner)
    with unit_of_work():
        printed = update(EinvoicePdf).values(state="done", path="einvoices/0/1-a.pdf", sha256="0" * 64)
        assert db.session.execute(printed).rowcount == 1
    made = {"einvoices/0/1-a.pdf": b"%PDF-1", "einvoices/1/Ürün 2.pdf": b"x" * 70_000, "empty": b""}
    for name, content in made.items():
        path = settings.storage_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    audit.recorder.flush()  # the calls of above would else be written down while somebody compares
    yield settings.storage_dir
    for path in settings.storage_dir.rglob("*"):
        if path.is_file():
            path.unlink()


@pytest.fixture
def empty(app_with: Callable[..., Hub], settings: Settings, tmp_path: Path) -> Iterator[Hub]:
    """Another installation: an empty database of its own, and a storage folder of its own."""
    name = f"restored_{uuid.uuid4().hex}"
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    url = sa.make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
    other = app_with(database_url=url, storage_dir=tmp_path / "elsewhere")
    yield other
    with other.app_context():
        db.engine.dispose()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def run(hub: Hub, *words: str) -> Result:
    with hub.app_context():
        return hub.test_cli_runner().invoke(args=["hub", *words])


def done(result: Result) -> str:
    assert result.exit_code == 0, f"{result.output}{result.exception}"
    return result.output


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    return result.output


def rows(hub: Hub) -> dict[str, list[Any]]:
    """Everything in the database, table by table, and where its sequences stand."""
    with hub.app_context():
        seen = sa.MetaData()
        seen.reflect(db.engine)
        with db.engine.connect() as connection:
            found = {
                table.name: sorted(map(str, connection.execute(sa.select(table)))) for table in seen.tables.values()
            }
            at = sa.text("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
            return {**found, "sequences": [tuple(row) for row in connection.execute(at)]}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def passphrase_file(folder: Path, text: str = PASSPHRASE) -> str:
    path = folder / "passphrase"
    path.write_text(f"{text}\n")
    return str(path)


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "encrypted"])
def test_what_is_restored_is_what_was_there(app: Hub, filled: Path, empty: Hub, tmp_path: Path, sealed: bool) -> None:
    target = tmp_path / "hub.backup"
    options = ["--passphrase-file", passphrase_file(tmp_path)] if sealed else []
    kept = len(files(app.config["STORAGE_DIR"]))
    assert f"{kept} files" in done(run(app, "backup", str(target), *options))
    assert (target.stat().st_mode & 0o777, list(tmp_path.glob(".*"))) == (0o600, [])
    assert (b"%PDF-1" in target.read_bytes()) is not sealed
    assert "is whole" in done(run(empty, "verify", str(target), *options))
    done(run(empty, "restore", str(target), *options))
    assert rows(empty) == rows(app)
    assert sum(map(len, rows(empty).values())) > 20
    assert files(empty.config["STORAGE_DIR"]) == files(filled)
    with empty.app_context():
        flask_migrate.upgrade()


def test_data_is_overwritten_only_when_told(app: Hub, filled: Path, empty: Hub, tmp_path: Path) -> None:
    target = str(tmp_path / "hub.backup")
    done(run(app, "backup", target))
    done(run(empty, "restore", target))
    before = rows(empty)
    (empty.config["STORAGE_DIR"] / "later.pdf").write_bytes(b"later")
    assert "say --overwrite" in refused(run(empty, "restore", target))
    assert (empty.config["STORAGE_DIR"] / "later.pdf").exists()
    done(run(empty, "restore", target, "--overwrite"))
    assert rows(empty) == before
    assert files(empty.config["STORAGE_DIR"]) == files(filled)


def test_files_alone_are_data_too(app: Hub, filled: Path, empty: Hub, tmp_path: Path) -> None:
    target = str(tmp_path / "hub.backup")
    done(run(app, "backup", target))
    empty.config["STORAGE_DIR"].mkdir()
    (empty.config["STORAGE_DIR"] / "a.pdf").write_bytes(b"a")
    assert "holds files" in refused(run(empty, "restore", target))


class TestDamage:
    @pytest.fixture
    def target(self, app: Hub, filled: Path, tmp_path: Path) -> Path:
        path = tmp_path / "hub.backup"
        done(run(app, "backup", str(path)))
        return path

    def test_a_changed_byte_is_noticed_before_anything_is_touched(self, empty: Hub, target: Path) -> None:
        content = target.read_bytes()
        target.write_bytes(content.replace(b"%PDF-1", b"%PDF-2"))
        before = rows(empty)
        said = refused(run(empty, "restore", str(target)))
        assert "is damaged: storage/einvoices/0/1-a.pdf" in said
        assert rows(empty) == before
        assert files(empty.config["STORAGE_DIR"]) == {}

    def test_a_part_is_no_backup(self, app: Hub, target: Path) -> None:
        whole = target.read_bytes()
        for kept in (0, 10, 5000, 100_000, len(whole) - 15_000):
            target.write_bytes(whole[:kept])
            said = refused(run(app, "verify", str(target)))
            assert "cannot be read" in said or "not whole" in said

    def test_any_other_file_is_none(self, app: Hub, tmp_path: Path) -> None:
        (tmp_path / "other").write_bytes(b"hello " * 1000)
        assert "cannot be read" in refused(run(app, "verify", str(tmp_path / "other")))

    def test_names_that_lead_elsewhere_are_refused(self, app: Hub, tmp_path: Path) -> None:
        evil = tmp_path / "evil.backup"
        with tarfile.open(evil, "w") as tar:
            member = tarfile.TarInfo("storage/../../evil")
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        assert "which no backup does" in refused(run(app, "verify", str(evil)))


class TestEncryption:
    def test_without_the_right_passphrase_nothing_opens(self, app: Hub, tmp_path: Path) -> None:
        target = tmp_path / "hub.backup"
        done(run(app, "backup", str(target), "--passphrase-file", passphrase_file(tmp_path)))
        assert "its passphrase is needed" in refused(run(app, "verify", str(target)))
        wrong = passphrase_file(tmp_path, "another one")
        assert "The passphrase is wrong" in refused(run(app, "verify", str(target), "--passphrase-file", wrong))

    def test_chunks_cannot_be_cut_or_swapped(self) -> None:
        sealed = io.BytesIO()
        writer = EncryptingWriter(sealed, PASSPHRASE)
        plain = b"a" * CHUNK_BYTES + b"b" * CHUNK_BYTES + b"c" * 10
        writer.write(plain)
        writer.close()
        content, head, size = sealed.getvalue(), len(MAGIC) + 16 + 7, CHUNK_BYTES + 16
        assert DecryptingReader(io.BytesIO(content), PASSPHRASE).read() == plain
        first, second, last = content[head : head + size], content[head + size : head + 2 * size], content[-26:]
        for changed in (first + second, second + first + last, first + last, b"", first + second + last + last):
            with pytest.raises(DecryptionError):
                DecryptingReader(io.BytesIO(content[:head] + changed), PASSPHRASE).read()


def test_a_running_hub_is_not_restored_over(app: Hub, tmp_path: Path) -> None:
    target = str(tmp_path / "hub.backup")
    done(run(app, "backup", target))
    heartbeat.Heartbeat("web", "web@here/7").note()
    assert "The hub runs (web@here/7). Stop it first." in refused(run(app, "restore", target, "--overwrite"))


def test_a_backup_that_exists_is_not_written_over(app: Hub, tmp_path: Path) -> None:
    (tmp_path / "hub.backup").write_bytes(b"the last one")
    assert "exists already" in refused(run(app, "backup", str(tmp_path / "hub.backup")))
    assert (tmp_path / "hub.backup").read_bytes() == b"the last one"
    assert (tmp_path / "hub.backup").exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "hub.backup"]


def test_one_that_fails_leaves_nothing(app: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.operations.backup.postgres_client.find_program", lambda _name: "false")
    assert "pg_dump failed" in refused(run(app, "backup", str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_files_that_only_the_database_knows_are_named(app: Hub, filled: Path, tmp_path: Path) -> None:
    (filled / "einvoices/0/1-a.pdf").unlink()
    result = run(app, "backup", str(tmp_path))
    assert "einvoices/0/1-a.pdf is in the database and not in" in done(result)
    assert len(list(tmp_path.glob("invoice-hub-*.backup"))) == 1


def test_a_backup_of_a_newer_hub_is_refused(app: Hub, empty: Hub, tmp_path: Path) -> None:
    with db.engine.begin() as connection:
        [before] = connection.execute(sa.text("SELECT version_num FROM alembic_version")).one()
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        done(run(app, "backup", str(tmp_path / "newer")))
    finally:
        with db.engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :before"), {"before": before})
    assert "of a newer hub" in refused(run(empty, "restore", str(tmp_path / "newer")))
