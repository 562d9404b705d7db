"""Files in a bucket: what is checked, what is retried, what an error says, and how the store keeps them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.storage import object_client, store_health
from app.kernel.storage.file_store import StorageUnavailable
from app.kernel.storage.object_store import ObjectStore
from app.storage_settings import Bucket, StorageSettings, parse_location
from tests.certificates import Authority
from tests.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.object_stores import BUCKET, KEYS, ObjectServer

pytestmark = pytest.mark.slow

CONTENT = b"%PDF-1.7 " * 30_000
PATH = "einvoices/0/1-abc.pdf"


@pytest.fixture
def proxy(object_store: ObjectServer) -> Iterator[FaultProxy]:
    with fault_proxy(object_store.address) as running:
        running.slow_seconds = 1.5
        yield running


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_client, "READ_TIMEOUT", 1)


@pytest.fixture
def store(proxy: FaultProxy, object_store: ObjectServer) -> ObjectStore:
    """A store behind the proxy."""
    return store_of(object_store.url(address=proxy.address))


def store_of(url: str, **settings: Any) -> ObjectStore:
    place = parse_location(url)
    assert isinstance(place, Bucket)
    return ObjectStore(place, StorageSettings(**{**KEYS, "url": url, **settings}))


def in_turns(*faults: Fault, method: str) -> Callable[[str, str], Fault | None]:
    """Each request of the method gets the next fault; later ones get none."""
    left = list(faults)
    return lambda sent, _path: left.pop(0) if left and sent == method else None


class TestWriting:
    @pytest.mark.parametrize("fault", [Fault.ERROR_500, Fault.ERROR_503, Fault.SLOW, Fault.LOST_ANSWER])
    def test_a_fault_that_passes_is_not_noticed(
        self, store: ObjectStore, proxy: FaultProxy, object_store: ObjectServer, fault: Fault
    ) -> None:
        proxy.choose = in_turns(fault, method="PUT")
        store.write(PATH, CONTENT)
        assert [method for method, _, _ in proxy.seen] == ["PUT", "PUT", "HEAD"]
        assert object_store.objects() == {f"files/{PATH}": CONTENT}

    @pytest.mark.parametrize("fault", [Fault.ERROR_503, Fault.LOST_ANSWER])
    def test_a_fault_that_stays_ends_after_few_attempts(
        self, store: ObjectStore, proxy: FaultProxy, fault: Fault
    ) -> None:
        proxy.choose = lambda _method, _path: fault
        before = failures("write")
        with pytest.raises(StorageUnavailable) as raised:
            store.write(PATH, CONTENT)
        assert len(proxy.seen) == object_client.ATTEMPTS
        assert raised.value.headers == {"Retry-After": "5"}
        assert raised.value.reason.startswith("write: ")
        assert failures("write") == before + 1

    def test_damaged_bytes_are_noticed(self, store: ObjectStore, proxy: FaultProxy) -> None:
        """This server tells the checksum that it was told; without it the hub reads what was stored."""
        proxy.choose = lambda method, _path: {"PUT": Fault.OTHER_BYTES, "HEAD": Fault.NO_CHECKSUM}.get(method)
        with pytest.raises(StorageUnavailable, match="does not answer") as raised:
            store.write(PATH, CONTENT)
        assert raised.value.reason == "write: the object is not what was sent"

    def test_a_store_without_checksums_is_read_back(
        self, store: ObjectStore, proxy: FaultProxy, object_store: ObjectServer
    ) -> None:
        proxy.choose = lambda _method, _path: Fault.NO_CHECKSUM
        store.write(PATH, CONTENT)
        assert [method for method, _, _ in proxy.seen] == ["PUT", "HEAD", "GET"]
        assert store.sha256(PATH) == hashlib.sha256(CONTENT).hexdigest()

    def test_the_store_is_told_the_checksum(self, store: ObjectStore, proxy: FaultProxy) -> None:
        store.write(PATH, b"x")
        told = {name.lower(): value for name, value in proxy.headers[0].items()}
        assert told["x-amz-checksum-sha256"] == "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="


class TestReading:
    def test_a_cut_answer_is_continued(self, store: ObjectStore, proxy: FaultProxy) -> None:
        store.write(PATH, CONTENT)
        proxy.seen.clear()
        proxy.choose = in_turns(Fault.CUT_ANSWER, Fault.CUT_ANSWER, method="GET")
        assert b"".join(store.blocks(PATH)) == CONTENT
        assert len(proxy.seen) == 3
        asked = [{n.lower(): v for n, v in each.items()} for each in proxy.headers[-2:]]
        assert all(each["range"].startswith("bytes=") and each["if-match"] for each in asked)

    def test_an_answer_that_is_always_cut_is_a_fault(self, store: ObjectStore, proxy: FaultProxy) -> None:
        store.write(PATH, CONTENT)
        proxy.choose = lambda _method, _path: Fault.CUT_ANSWER
        with pytest.raises(StorageUnavailable):
            b"".join(store.blocks(PATH))

    def test_the_fault_of_the_beginning_is_raised_at_once(self, store: ObjectStore, proxy: FaultProxy) -> None:
        store.write(PATH, CONTENT)
        proxy.choose = lambda _method, _path: Fault.ERROR_500
        with pytest.raises(StorageUnavailable):
            store.blocks(PATH)

    def test_only_the_wanted_bytes_are_asked_for(self, store: ObjectStore, proxy: FaultProxy) -> None:
        store.write(PATH, CONTENT)
        assert b"".join(store.blocks(PATH, 100, 200)) == CONTENT[100:200]
        assert {name.lower(): value for name, value in proxy.headers[-1].items()}["range"] == "bytes=100-199"

    def test_a_store_that_hangs_ends_in_time(self, store: ObjectStore, proxy: FaultProxy) -> None:
        proxy.choose = lambda _method, _path: Fault.SLOW
        started = time.monotonic()
        with pytest.raises(StorageUnavailable):
            store.facts(PATH)
        assert time.monotonic() - started < object_client.ATTEMPTS * (1 + 2)


class TestKeeping:
    @pytest.fixture
    def locked(self, object_store: ObjectServer) -> ObjectStore:
        object_store.client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        return store_of(object_store.url(bucket="locked"), lock_mode="compliance", lock_days=30, encryption="AES256")

    def test_files_of_einvoices_are_locked_and_encrypted(self, locked: ObjectStore) -> None:
        locked.write(PATH, CONTENT)
        found = locked.client.head_object(**locked.place(PATH))
        assert (found["ObjectLockMode"], found["ServerSideEncryption"]) == ("COMPLIANCE", "AES256")
        left = found["ObjectLockRetainUntilDate"] - clock.now()
        assert timedelta(days=29) < left < timedelta(days=31)

    @pytest.mark.parametrize("path", ["on-demand/einvoices/1-a.pdf", "receipts/0/1-note-a.pdf"])
    def test_other_files_are_not_locked(self, locked: ObjectStore, path: str) -> None:
        locked.write(path, CONTENT)
        found = locked.client.head_object(**locked.place(path))
        assert "ObjectLockMode" not in found
        assert found["ServerSideEncryption"] == "AES256"

    def test_a_locked_file_is_removed_and_its_version_stays(self, locked: ObjectStore) -> None:
        locked.write(PATH, CONTENT)
        locked.remove(PATH)
        assert locked.facts(PATH) is None
        versions = locked.client.list_object_versions(Bucket="locked")["Versions"]
        assert [each["Key"] for each in versions] == [f"files/{PATH}"]


class TestHealth:
    def test_the_state_is_asked_for_every_few_seconds(
        self, app: Hub, proxy: FaultProxy, object_store: ObjectServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = object_store.url(address=proxy.address, prefix="health")
        monkeypatch.setitem(app.config, "STORAGE", StorageSettings(url=url, **KEYS))
        assert [store_health.storage_state() for _ in range(3)] == ["ok"] * 3
        assert len(proxy.seen) == 1
        monkeypatch.setattr(store_health, "KEPT_SECONDS", 0)
        proxy.choose = lambda _method, _path: Fault.ERROR_503
        assert store_health.storage_state() == "503"
        proxy.choose = lambda _method, _path: None
        assert store_health.storage_state() == "ok"

    def test_a_dead_store_says_so(self, app: Hub) -> None:
        with pytest.raises(StorageUnavailable):
            store_of("s3://hub/files?endpoint_url=http://127.0.0.1:1").check()

    @pytest.mark.parametrize(
        "ask",
        [
            lambda store: store.check(),
            lambda store: store.facts(PATH),
            lambda store: store.sha256(PATH),
            lambda store: list(store.blocks(PATH)),
            lambda store: list(store.walk()),
            lambda store: store.write(PATH, CONTENT),
            lambda store: store.remove(PATH),
        ],
    )
    def test_a_missing_bucket_is_no_missing_file(
        self, app: Hub, object_store: ObjectServer, ask: Callable[[ObjectStore], Any]
    ) -> None:
        """PDFs would be printed again, a backup would hold no file, and readers would get 404."""
        with pytest.raises(StorageUnavailable, check=lambda error: "NoSuchBucket" in error.reason):
            ask(store_of(object_store.url(bucket="another")))


class TestCertificates:
    @pytest.fixture
    def https(self, object_store: ObjectServer, proxy: FaultProxy, tmp_path: Path) -> tuple[str, Path]:
        """An address with TLS, and the file of its own authority."""
        authority = Authority(tmp_path)
        proxy.server.socket = authority.server_context().wrap_socket(proxy.server.socket, server_side=True)
        return object_store.url(address=proxy.address.replace("http:", "https:")), authority.file

    def test_an_own_authority_is_trusted_when_it_is_named(self, https: tuple[str, Path]) -> None:
        url, file = https
        store = store_of(url, ca_file=file)
        store.write(PATH, CONTENT)
        assert b"".join(store.blocks(PATH)) == CONTENT
        store.check()

    def test_another_authority_is_refused(self, https: tuple[str, Path]) -> None:
        with pytest.raises(StorageUnavailable) as raised:
            store_of(https[0]).facts(PATH)
        assert raised.value.reason == "head: SSLError"


def test_no_error_or_log_line_has_a_credential(
    app: Hub, object_store: ObjectServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    store = store_of(f"s3://{BUCKET}/x?endpoint_url=http://127.0.0.1:1")
    with pytest.raises(StorageUnavailable) as raised:
        store.facts(PATH)
    said = f"{raised.value!r} {raised.value.reason} {raised.value.message} {store} {store.settings!r} {caplog.text}"
    said += "".join(capfd.readouterr())
    assert "storage_unavailable" in said or "EndpointConnectionError" in said
    assert not any(secret in said for secret in KEYS.values())


def failures(operation: str) -> float:
    return object_client.FAILURES.labels(operation)._value.get()
