"""Backup and restore of an installation whose files are in a bucket, and from one kind of storage to the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.kernel.http.app import Hub
from app.kernel.storage.stores import file_store
from app.storage_settings import STORED_IN_FOLDER, StorageSettings
from tests.object_stores import KEYS, ObjectServer
from tests.operations.backup.backup_helpers import database_rows, output_of_refusal, output_of_success, run_command


def contents(hub: Hub) -> dict[str, bytes]:
    with hub.app_context():
        store = file_store()
        return {each.path: b"".join(store.blocks(each.path)) for each in store.walk()}


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), [("folder", "bucket"), ("bucket", "folder"), ("bucket", "bucket")])
def test_a_restore_gives_the_same_files(  # noqa: PLR0917 - fixtures
    app: Hub,
    filled: Path,
    empty: Hub,
    object_store: ObjectServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    target: str,
) -> None:
    expected = contents(app)
    assert len(expected) == 3
    if source == "bucket":
        monkeypatch.setitem(app.config, "STORAGE", StorageSettings(url=object_store.url(prefix="first"), **KEYS))
        with app.app_context():
            for path, content in expected.items():
                file_store().write(path, content)
            file_store().write("on-demand/x.pdf", b"passing")
    settings = (
        StorageSettings(url=object_store.url(prefix="second"), **KEYS) if target == "bucket" else STORED_IN_FOLDER
    )
    monkeypatch.setitem(empty.config, "STORAGE", settings)
    backup, rows = str(tmp_path / "hub.backup"), database_rows(app)
    assert "3 files" in output_of_success(run_command(app, "backup", backup))
    output_of_success(run_command(empty, "restore", backup))
    assert (contents(empty), database_rows(empty)) == (expected, rows)
    with empty.app_context():
        file_store().write("later.pdf", b"later")
    assert "use --overwrite" in output_of_refusal(run_command(empty, "restore", backup))
    output_of_success(run_command(empty, "restore", backup, "--overwrite"))
    assert contents(empty) == expected


def test_a_store_that_does_not_answer_ends_a_backup(app: Hub, filled: Path, tmp_path: Path) -> None:
    settings = StorageSettings(url="s3://hub/x?endpoint_url=http://127.0.0.1:1", **KEYS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(app.config, "STORAGE", settings)
        output = output_of_refusal(run_command(app, "backup", str(tmp_path / "hub.backup")))
    assert "The storage of files does not answer" in output
    assert "EndpointConnectionError" in output
    assert list(tmp_path.iterdir()) == []
