"""``flask hub storage move``: copies and checks all files, continues after faults, brings nothing back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.storage import object_client
from app.kernel.storage.file_store import FileStore
from app.kernel.storage.stores import file_store, store_at
from app.operations.storage import storage_move
from app.storage_settings import StorageSettings
from tests.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.object_stores import KEYS, ObjectServer

pytestmark = pytest.mark.slow


def named(number: int, content: bytes) -> str:
    return f"einvoices/0/{number}-{hashlib.sha256(content).hexdigest()[:16]}.pdf"


CONTENTS = {named(number, content): content for number in range(7) for content in [b"%PDF" + bytes([number]) * 1000]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def proxy(app: Hub, object_store: ObjectServer, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[FaultProxy]:
    """The hub stores files in a bucket behind the proxy, and reads those of a folder too."""
    monkeypatch.setattr(object_client, "READ_TIMEOUT", 1)
    with fault_proxy(object_store.address) as running:
        url = object_store.url(address=running.address)
        monkeypatch.setitem(app.config, "STORAGE", StorageSettings(url=url, read_also=str(folder), **KEYS))
        yield running


@pytest.fixture
def places(app: Hub, object_store: ObjectServer, proxy: FaultProxy, folder: Path) -> tuple[str, str]:
    """The folder with files, and the address of the bucket."""
    source = store_at(str(folder))
    for path, content in {**CONTENTS, "on-demand/sales/1.pdf": b"passing", "receipts/0/1-note.pdf": b"note"}.items():
        source.write(path, content)
    return str(folder), object_store.url(address=proxy.address)


def run(app: Hub, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["hub", "storage", "move", *words])


def contents(store: FileStore) -> dict[str, bytes]:
    return {each.path: b"".join(store.blocks(each.path)) for each in store.walk()}


def test_all_files_are_copied_and_the_originals_stay(app: Hub, places: tuple[str, str]) -> None:
    result = run(app, *places)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert "Files copied: 8 (0.0 MiB), there already: 0, faults: 0." in result.stdout
    assert contents(store_at(places[1])) == {**CONTENTS, "receipts/0/1-note.pdf": b"note"}
    assert len(contents(store_at(places[0]))) == 9
    [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "storage.moved"))
    assert (entry.actor, entry.subject) == ("command line", "hub:storage")
    assert (entry.details["moved_from"], entry.details["copied"], entry.details["faults"]) == (places[0], 8, 0)
    assert "secret" not in str(entry.details)


def test_a_second_run_copies_only_what_is_missing(app: Hub, places: tuple[str, str], proxy: FaultProxy) -> None:
    run(app, *places)
    target = store_at(places[1])
    [lost, damaged, *_] = CONTENTS
    target.remove(lost)
    target.write(damaged, b"other bytes")
    proxy.seen.clear()
    assert "Files copied: 2 (0.0 MiB), there already: 6, faults: 0." in run(app, *places).stdout
    assert sum(method == "PUT" for method, _, _ in proxy.seen) == 2
    assert contents(target)[damaged] == CONTENTS[damaged]


def test_a_store_that_fails_ends_the_move_and_a_second_run_continues(
    app: Hub, places: tuple[str, str], proxy: FaultProxy
) -> None:
    puts: list[str] = []

    def fail_after_three(method: str, path: str) -> Fault | None:
        if method == "PUT":
            puts.append(path)
        return Fault.ERROR_503 if len(set(puts)) > 3 else None

    proxy.choose = fail_after_three
    result = run(app, *places)
    assert result.exit_code == 1
    assert "Files copied: 3" in result.stdout
    assert "Run the command again" in result.stderr
    proxy.choose = lambda _method, _path: None
    assert "Files copied: 5 (0.0 MiB), there already: 3, faults: 0." in run(app, *places).stdout


def test_a_damaged_original_is_not_copied(app: Hub, places: tuple[str, str]) -> None:
    damaged = next(iter(CONTENTS))
    (Path(places[0]) / damaged).write_bytes(b"%PDF bit rot")
    result = run(app, *places)
    assert result.exit_code == 1
    assert f"fault: {damaged}: the content is not what its name says; it was not copied" in result.stderr
    assert damaged not in contents(store_at(places[1]))


@pytest.mark.parametrize("prefix", ["other", "files/a"])
def test_a_wrong_place_that_lacks_the_files_of_the_hub_is_a_fault(
    app: Hub, places: tuple[str, str], object_store: ObjectServer, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setattr(storage_move, "newest_paths", lambda _count: list(CONTENTS))
    result = run(app, object_store.url(prefix=prefix), places[1])
    assert result.exit_code == 1
    assert "lacks 7 of the newest 7 files of this hub, such as einvoices/0/0-" in result.stderr
    assert run(app, *places).exit_code == 0


def test_copies_are_not_copied_again(app: Hub, places: tuple[str, str], object_store: ObjectServer) -> None:
    folder = places[0]
    for source, target in (
        (folder, f"{folder}/new"),
        (f"{folder}/../files", f"file://{folder}/einvoices"),
        (object_store.url(prefix=""), object_store.url(prefix="files")),
        (object_store.url(prefix="files"), object_store.url(prefix="files/new")),
    ):
        result = run(app, source, target)
        assert (result.exit_code, "TO is a part of FROM" in result.stderr) == (2, True), (source, result.output)
    assert object_store.objects() == {}
    assert run(app, folder, f"{folder}-new").exit_code == 0
    assert run(app, object_store.url(prefix="files"), object_store.url(prefix="files-new")).exit_code == 0


def test_originals_are_removed_when_asked(app: Hub, places: tuple[str, str]) -> None:
    assert run(app, *places, "--remove").exit_code == 0
    assert contents(store_at(places[0])) == {"on-demand/sales/1.pdf": b"passing"}
    assert len(contents(store_at(places[1]))) == 8
    assert run(app, places[1], places[0]).exit_code == 0  # and back
    assert len(contents(store_at(places[0]))) == 9


def test_both_are_readable_meanwhile(app: Hub, places: tuple[str, str]) -> None:
    seen = []

    def look(_progress: storage_move.Progress) -> None:
        seen.append({path: b"".join(file_store().blocks(path)) for path in CONTENTS})

    storage_move.move(*map(store_at, places), remove=True, tell=look)
    assert len(seen) == 8
    assert all(each == CONTENTS for each in seen)


@pytest.mark.parametrize("moment", ["after the copy", "before the copy"])
def test_a_file_that_the_hub_removes_meanwhile_does_not_come_back(
    app: Hub, places: tuple[str, str], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    source, target = map(store_at, places)
    removed = next(iter(CONTENTS))
    write = target.write

    def write_and_remove(path: str, content: bytes) -> None:
        steps = [lambda: write(path, content), lambda: path == removed and file_store().remove(path)]
        for step in steps if moment == "after the copy" else reversed(steps):
            step()

    monkeypatch.setattr(target, "write", write_and_remove)
    progress = storage_move.move(source, target, remove=False, tell=lambda _progress: None)
    assert progress.is_complete
    assert removed not in {**contents(source), **contents(target)}
    assert len(contents(target)) == 7


def test_new_files_that_go_elsewhere_are_warned_of(app: Hub, places: tuple[str, str], tmp_path: Path) -> None:
    result = run(app, places[0], str(tmp_path / "elsewhere"))
    assert result.exit_code == 0
    assert "new files do not go to TO" in result.stderr


@pytest.mark.parametrize("words", [("/a", "s3://k:hunter2@b/"), ("ftp://b", "/a"), ("/a", "/a"), ("/a",)])
def test_a_wrong_use_has_its_own_exit_code(app: Hub, words: tuple[str, ...]) -> None:
    result = run(app, *words)
    assert result.exit_code == 2
    assert "hunter2" not in result.output
