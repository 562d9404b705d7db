"""Both kinds of store do the same: whole files, ranges, listings, snapshots, removal; and the two as one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.kernel.http.app import Hub
from app.kernel.storage.file_store import BLOCK, FileStore
from app.kernel.storage.folder_store import FolderStore
from app.kernel.storage.object_store import ObjectStore
from app.kernel.storage.paired_store import PairedStore
from app.kernel.storage.stores import file_store, store_at
from app.storage_settings import StorageSettings
from tests.object_stores import KEYS, ObjectServer

CONTENT = bytes(range(256)) * 1000
PATH = "einvoices/0/1-documents/ubl-1-Ürün (2).xml"

Paired = tuple[PairedStore, FileStore, FileStore]


@pytest.fixture
def store(app: Hub, each_storage: None) -> FileStore:
    return file_store()


@pytest.fixture(params=["folder first", "bucket first"])
def paired(
    request: pytest.FixtureRequest,
    app: Hub,
    object_store: ObjectServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Paired:
    """A store of two, and each of them."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)
    url = object_store.url()
    places = (url, str(tmp_path)) if request.param == "bucket first" else ("", url)
    monkeypatch.setitem(app.config, "STORAGE", StorageSettings(url=places[0], read_also=places[1], **KEYS))
    both = file_store()
    assert isinstance(both, PairedStore)
    assert {type(both.main), type(both.also)} == {FolderStore, ObjectStore}
    return both, both.main, both.also


def content_of(store: FileStore, path: str = PATH) -> bytes:
    return b"".join(store.blocks(path))


class TestEachStore:
    def test_a_file_is_found_as_it_was_written(self, store: FileStore) -> None:
        store.write(PATH, CONTENT)
        facts = store.facts(PATH)
        assert facts is not None
        assert (facts.path, facts.size) == (PATH, len(CONTENT))
        assert facts.modified.tzinfo is not None
        assert store.sha256(PATH) == hashlib.sha256(CONTENT).hexdigest()
        assert content_of(store) == CONTENT
        assert max(map(len, store.blocks(PATH))) <= BLOCK

    def test_an_empty_file_is_a_file(self, store: FileStore) -> None:
        store.write("empty", b"")
        facts = store.facts("empty")
        assert facts is not None
        assert facts.size == 0
        assert content_of(store, "empty") == b""

    @pytest.mark.parametrize(("start", "stop"), [(0, 1), (5, 70_000), (BLOCK, 2 * BLOCK), (255_999, None), (9, 9)])
    def test_a_range_has_these_bytes(self, store: FileStore, start: int, stop: int | None) -> None:
        store.write(PATH, CONTENT)
        blocks = store.blocks(PATH, start, stop)
        assert b"".join(blocks) == CONTENT[start:stop]
        blocks.close()

    @pytest.mark.parametrize("read", [lambda store: store.blocks("no"), lambda store: store.snapshot("no")])
    def test_a_missing_file_says_so(self, store: FileStore, read: Callable[[FileStore], object]) -> None:
        assert (store.facts("no"), store.sha256("no")) == (None, None)
        with pytest.raises(FileNotFoundError):
            read(store)
        store.remove("no")

    def test_a_snapshot_outlives_the_file(self, store: FileStore) -> None:
        store.write(PATH, CONTENT)
        with store.snapshot(PATH) as file:
            store.remove(PATH)
            assert store.facts(PATH) is None
            assert file.read() == CONTENT

    def test_a_listing_has_the_files_below_a_prefix(self, store: FileStore) -> None:
        names = ["a/1", "a/2", "ab/3", "on-demand/4", "a/.part", ".doctor/5"]
        for name in names:
            store.write(name, name.encode())
        assert sorted(each.path for each in store.walk()) == ["a/1", "a/2", "ab/3", "on-demand/4"]
        assert [(each.path, each.size) for each in store.walk("a/")] == [("a/1", 3), ("a/2", 3)]
        assert list(store.walk("b/")) == []

    @pytest.mark.slow
    def test_long_listings_have_all_files(self, store: FileStore) -> None:
        for number in range(1005):  # S3 lists 1,000 at a time
            store.write(f"many/{number}", b"") if number % 67 == 0 or not store.is_remote else put_empty(store, number)
        assert len(list(store.walk("many/"))) == 1005

    def test_all_files_are_replaced(self, store: FileStore, tmp_path: Path) -> None:
        unpacked = tmp_path.parent / f"{tmp_path.name}-unpacked"
        (unpacked / "a").mkdir(parents=True)
        (unpacked / "a/1").write_bytes(b"new")
        store.write("a/1", b"old")
        store.write("b/2", b"old")
        store.replace_all(unpacked)
        assert {each.path: content_of(store, each.path) for each in store.walk()} == {"a/1": b"new"}

    def test_it_answers(self, store: FileStore) -> None:
        store.check()


def put_empty(store: FileStore, number: int) -> None:
    """Store an object without the checks, which take most of the time."""
    assert isinstance(store, ObjectStore)
    store.client.put_object(**store.place(f"many/{number}"), Body=b"")


class TestTwoStores:
    def test_files_are_written_to_the_first_and_read_from_both(self, paired: Paired) -> None:
        both, main, also = paired
        both.write("new", b"new")
        also.write("old", b"old")
        assert (main.facts("new") is not None, also.facts("new")) == (True, None)
        for path in ("new", "old"):
            assert content_of(both, path) == path.encode()
            with both.snapshot(path) as file:
                assert file.read() == path.encode()
            assert both.sha256(path) == hashlib.sha256(path.encode()).hexdigest()
        assert sorted(each.path for each in both.walk()) == ["new", "old"]
        assert both.is_remote

    def test_a_file_is_removed_from_both(self, paired: Paired) -> None:
        both, main, also = paired
        for store in (main, also):
            store.write("a", b"a")
        both.remove("a")
        assert (main.facts("a"), also.facts("a"), both.facts("a")) == (None, None, None)

    def test_the_original_is_removed_before_the_copy(self, paired: Paired, monkeypatch: pytest.MonkeyPatch) -> None:
        """Otherwise a move could write the copy again after its removal."""
        both, main, also = paired
        order: list[FileStore] = []
        for store in (main, also):
            monkeypatch.setattr(store, "remove", lambda _path, store=store: order.append(store))
        both.remove("a")
        assert order == [also, main]

    def test_a_restore_leaves_nothing_in_the_second(self, paired: Paired, tmp_path: Path) -> None:
        both, main, also = paired
        also.write("old", b"old")
        main.write("other", b"other")
        unpacked = tmp_path.parent / f"{tmp_path.name}-unpacked"
        unpacked.mkdir()
        both.replace_all(unpacked)
        assert list(both.walk()) == []
        assert both.staging_folder() == main.staging_folder()


def test_an_address_names_a_store(app: Hub, tmp_path: Path) -> None:
    assert isinstance(store_at(str(tmp_path)), FolderStore)
    assert isinstance(store_at(f"file://{tmp_path}"), FolderStore)
    assert str(store_at("s3://bucket/a?region=eu-central-1")) == "s3://bucket/a"
