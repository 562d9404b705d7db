"""Checks of ``flask hub doctor`` about stored files: the folder or the object store, and what rows refer to."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.kernel import clock
from app.kernel.storage.file_store import PASSING, FileStore, StorageUnavailable
from app.kernel.storage.folder_store import FolderStore
from app.kernel.storage.object_client import request_to_store
from app.kernel.storage.object_store import ObjectStore
from app.kernel.storage.paired_store import PairedStore
from app.kernel.storage.stores import file_store
from app.kernel.system.private_folders import is_open_to_others, make_private_folder
from app.operations.doctor_findings import Finding, State
from app.operations.storage import stored_files
from app.pdf.models import FileRemoval

_MIB = 2**20
_MIN_FREE_MIB = 500
#: Newest files of each table that are looked for.
_LOOKED_FOR = 20
_LATE_REMOVAL = timedelta(hours=1)
_REMEDY = "Check STORAGE_URL, its credentials and rights, and that the store runs; see docs/operating.md."


def check_storage() -> Iterator[Finding]:
    """Whether files can be stored and read, and whether the newest files are there."""
    store = file_store()
    parts = [store.main, store.also] if isinstance(store, PairedStore) else [store]
    found = [finding for part in parts for finding in _place(part)]
    yield from found
    yield from _open_folders()
    if all(finding.state is not State.FAULT for finding in found):
        yield from _files(store)


def _place(store: FileStore) -> Iterator[Finding]:
    return _folder(store.folder) if isinstance(store, FolderStore) else _bucket(store)


def _folder(folder: Path) -> Iterator[Finding]:
    try:
        make_private_folder(folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"x")
        free = shutil.disk_usage(folder).free // _MIB
    except OSError as error:
        yield Finding("storage", State.FAULT, str(error), "Make STORAGE_DIR writable for the hub's user.")
        return
    state = State.OK if free >= _MIN_FREE_MIB else State.WARNING
    remedy = "" if state is State.OK else "Free space on its disk."
    yield Finding("storage", state, f"{folder}, {free} MiB free", remedy)


def _open_folders() -> Iterator[Finding]:
    folders = [current_app.config["STORAGE_DIR"], os.environ.get("PROMETHEUS_MULTIPROC_DIR")]
    for folder in map(Path, filter(None, folders)):
        if folder.is_dir() and is_open_to_others(folder):
            message = f"{folder} can be read by other users of this machine"
            yield Finding("storage", State.WARNING, message, f"chmod -R go-rwx {folder}")


def _bucket(store: FileStore) -> Iterator[Finding]:
    """Write, find, read and remove a file."""
    path, content, started = f"{PASSING}/doctor-{uuid.uuid4().hex}", os.urandom(1000), time.perf_counter()
    try:
        store.write(path, content)
        is_listed = any(each.path == path for each in store.walk(path))
        is_same = b"".join(store.blocks(path)) == content
        store.remove(path)
    except FileNotFoundError:
        yield Finding("storage", State.FAULT, f"{store} does not return what was stored", _REMEDY)
        return
    except StorageUnavailable as error:
        yield Finding("storage", State.FAULT, f"{store}: {error.reason}", _REMEDY)
        return
    if not (is_listed and is_same):
        yield Finding("storage", State.FAULT, f"{store} does not list or return what was stored", _REMEDY)
        return
    took = (time.perf_counter() - started) * 1000
    yield Finding("storage", State.OK, f"{store}, a file was written, listed, read and removed in {took:.0f} ms")
    if isinstance(store, ObjectStore):
        yield from _versions(store)


def _versions(store: ObjectStore) -> Iterator[Finding]:
    mode = store.settings.lock_mode
    locked = _ask(store, "get_object_lock_configuration").get("ObjectLockConfiguration", {})
    versions = _ask(store, "get_bucket_versioning").get("Status")
    if mode and locked.get("ObjectLockEnabled") != "Enabled":
        remedy = "Make a new bucket with object lock, and move the files there."
        yield Finding("storage", State.FAULT, f"{store} has no object lock, and STORAGE_LOCK_MODE is {mode}", remedy)
    elif not mode and versions == "Enabled":
        remedy = "Add a rule to the bucket that deletes noncurrent versions after some days."
        yield Finding("storage", State.WARNING, f"{store} keeps old versions of files that are removed", remedy)


def _ask(store: ObjectStore, question: str) -> dict[str, Any]:
    """The answer; empty if the store does not know the question, or does not answer it to the hub."""
    ask: Callable[..., dict[str, Any]] = getattr(store.client, question)
    with suppress(StorageUnavailable), request_to_store("configuration", is_of_bucket=True):
        return ask(Bucket=store.bucket.name)
    return {}


def _files(store: FileStore) -> Iterator[Finding]:
    try:
        paths = stored_files.newest_paths(_LOOKED_FOR)
        late = select(func.count()).where(FileRemoval.requested_at < clock.now() - _LATE_REMOVAL)
        waiting = db.session.scalar(late) or 0
        if store.is_remote:
            db.session.rollback()  # no connection is held during requests to the store
        missing = [path for path in paths if store.facts(path) is None]
    except SQLAlchemyError:
        db.session.rollback()
        return  # the checks of the database and the migrations report it
    except StorageUnavailable as error:
        yield Finding("files", State.FAULT, f"{store}: {error.reason}", _REMEDY)
        return
    if missing:
        remedy = "Restore them from a backup, or render PDFs again: flask --app wsgi einvoices pdf --missing"
        message = f"{len(missing)} of the newest {len(paths)} files are missing, such as {missing[0]}"
        yield Finding("files", State.FAULT, message, remedy)
    if waiting:
        remedy = "Look in the log of the worker for storage_unavailable; the hub needs the right to delete objects."
        yield Finding("files", State.WARNING, f"{waiting} files wait for their removal for over an hour", remedy)
