"""An object store that speaks S3, as a process on loopback, and stores of files for tests of both kinds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from app.kernel.http.app import Hub
from app.kernel.storage.object_client import make_client
from app.kernel.storage.stores import file_store
from app.pdf import file_removals
from app.storage_settings import Bucket, StorageSettings

BUCKET = "hub"
KEYS = {"access_key": "an-access-key", "secret_key": "a-secret-key-of-the-tests"}


class ObjectServer:
    """A server of moto with the bucket ``hub``."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client: Any = make_client(Bucket(BUCKET, endpoint_url=address), StorageSettings(**KEYS))

    def url(self, *, prefix: str = "files", address: str = "", bucket: str = BUCKET) -> str:
        return f"s3://{bucket}/{prefix}?endpoint_url={address or self.address}"

    def empty(self) -> None:
        """Remove everything, and create the bucket."""
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/moto-api/reset", method="POST")):
            pass
        self.client.create_bucket(Bucket=BUCKET)

    def objects(self, bucket: str = BUCKET) -> dict[str, bytes]:
        """Keys and contents."""
        keys = [each["Key"] for each in self.client.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {key: self.client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """Run the server while the context is open."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ) as process:
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/moto-api/data.json", process)
            yield ObjectServer(f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def _wait_until_up(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the object store ended"
        with suppress(urllib.error.URLError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.05)
    raise AssertionError("the object store did not start")


@pytest.fixture(scope="session")
def _object_server() -> Iterator[ObjectServer]:
    with object_server() as server:
        yield server


@pytest.fixture
def object_store(socket_enabled: None, _object_server: ObjectServer) -> ObjectServer:
    """An object store with an empty bucket."""
    _object_server.empty()
    return _object_server


@pytest.fixture
def bucket_storage(app: Hub, object_store: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> ObjectServer:
    """The application stores its files in the bucket."""
    monkeypatch.setitem(app.config, "STORAGE", StorageSettings(url=object_store.url(), **KEYS))
    return object_store


@pytest.fixture
def own_folder(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder for files; the ids of rows start at 1 in each test, so each test needs its own files."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)


_BUCKET = pytest.param("bucket", marks=[pytest.mark.slow, pytest.mark.xdist_group("_object_server")])


@pytest.fixture(params=["folder", _BUCKET])
def each_storage(request: pytest.FixtureRequest, own_folder: None) -> None:
    """An empty store of each kind, for tests of what is stored; others need the folder only."""
    if request.param == "bucket":
        request.getfixturevalue("bucket_storage")


def stored_paths() -> list[str]:
    """The paths of all stored files, after the removals that wait were done."""
    file_removals.remove_due()
    return sorted(each.path for each in file_store().walk())
