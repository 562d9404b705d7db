"""The blocks of an object: read from the store as the caller takes them, and continued after a lost connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.kernel.storage.file_store import BLOCK, StorageUnavailable
from app.kernel.storage.object_client import ATTEMPTS, request_to_store

#: Faults of one read after which it ends, although each request brought some bytes.
_MOST_CONTINUED = 20


class ObjectBlocks:
    """Bytes of an object from ``start`` to before ``stop``. The first request is made at once.

    A name contains the hash of the content, so a continued answer is of the same bytes; ``IfMatch`` makes sure.

    Raises:
        FileNotFoundError: there is no such object.
        StorageUnavailable: the store does not answer.
    """

    def __init__(self, client: Any, place: dict[str, str], start: int, stop: int | None) -> None:
        self._client, self._place, self._next, self._stop = client, place, start, stop
        self._body: Any = None
        self._tag: str | None = None
        # Faults without a new byte between them, how far the last fault was, and all faults.
        self._faults, self._reached, self._continued = 0, start, 0
        # The first block too: a fault of the store is then an answer of its own, and not a broken one.
        self._first: bytes | None = self._read() if stop is None or start < stop else b""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block, self._first = self._first, None
        block = self._read() if block is None else block
        if not block:
            self.close()
            raise StopIteration
        return block

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def _read(self) -> bytes:
        while True:
            try:
                return self._read_once()
            except StorageUnavailable:
                # The client has tried an answer that did not begin several times itself.
                has_begun, has_grown = self._body is not None, self._next > self._reached
                self.close()
                self._reached = self._next
                self._faults = 1 if has_grown else self._faults + 1
                self._continued += 1
                if not has_begun or self._faults >= ATTEMPTS or self._continued > _MOST_CONTINUED:
                    raise

    def _read_once(self) -> bytes:
        if self._stop is not None and self._next >= self._stop:
            return b""
        with request_to_store("read"):
            if self._body is None:
                self._open()
            block: bytes = self._body.read(BLOCK)
        self._next += len(block)
        if not block:
            self._stop = self._next
        return block

    def _open(self) -> None:
        asked = dict(self._place)
        if self._next or self._stop is not None:
            asked["Range"] = f"bytes={self._next}-{'' if self._stop is None else self._stop - 1}"
        if self._tag:
            asked["IfMatch"] = self._tag
        answer = self._client.get_object(**asked)
        self._body, self._tag = answer["Body"], answer.get("ETag")
        if self._stop is None:
            self._stop = self._next + answer["ContentLength"]
