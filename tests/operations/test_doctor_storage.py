"""The doctor looks into the bucket: rights, versions, lock; and whether the newest files are there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.einvoices.pdf import print_job
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import unit_of_work
from app.operations import doctor_storage
from app.operations.doctor_findings import Finding, State
from app.pdf.models import FileRemoval
from app.storage_settings import StorageSettings
from tests.einvoices.conftest import owner, owner_as
from tests.einvoices.helpers import create_issued
from tests.object_stores import KEYS, ObjectServer, stored_paths

__all__ = ["owner", "owner_as"]


def findings() -> list[Finding]:
    return list(doctor_storage.check_storage())


def test_a_bucket_is_tried(app: Hub, bucket_storage: ObjectServer) -> None:
    [found] = findings()
    assert (found.subject, found.state) == ("storage", State.OK)
    assert found.message.startswith("s3://hub/files at http://127.0.0.1:")
    assert "a file was written, listed, read and removed" in found.message
    assert stored_paths() == []


def test_a_bucket_that_is_missing_is_a_fault(
    app: Hub, object_store: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "STORAGE", StorageSettings(url=object_store.url(bucket="another"), **KEYS))
    [found] = findings()
    assert (found.state, "NoSuchBucket" in found.message) == (State.FAULT, True)
    assert "STORAGE_URL" in found.remedy


def test_a_missing_lock_is_a_fault_and_old_versions_a_warning(
    app: Hub, object_store: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, locked = {"url": object_store.url(), **KEYS}, {"url": object_store.url(bucket="locked"), **KEYS}
    object_store.client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    lock = {"lock_mode": "governance", "lock_days": 10}
    for settings, state in (
        (StorageSettings(**plain, **lock), State.FAULT),
        (StorageSettings(**locked, **lock), State.OK),
        (StorageSettings(**locked), State.WARNING),
    ):
        monkeypatch.setitem(app.config, "STORAGE", settings)
        assert findings()[-1].state is state


@pytest.mark.usefixtures("each_storage")
def test_missing_files_and_late_removals_are_told(owner: FlaskClient) -> None:
    create_issued(owner)
    print_job.print_due()
    assert {found.state for found in findings() if found.subject == "files"} == set()
    [path] = stored_paths()
    file_store().remove(path)
    with unit_of_work():
        db.session.add(FileRemoval(path="x", requested_at=clock.now() - timedelta(hours=2)))
    missing, waiting = [found for found in findings() if found.subject == "files"]
    assert (missing.state, missing.message) == (State.FAULT, f"1 of the newest 1 files are missing, such as {path}")
    assert (waiting.state, waiting.message) == (State.WARNING, "1 files wait for their removal for over an hour")
