"""A store of files in a bucket of an object store that speaks the protocol of S3."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

import structlog

from app.kernel import clock
from app.kernel.storage.file_store import LEGAL, Blocks, FileFacts, StorageUnavailable
from app.kernel.storage.object_blocks import ObjectBlocks
from app.kernel.storage.object_client import make_client, request_to_store

if TYPE_CHECKING:
    from app.storage_settings import Bucket, StorageSettings

log = structlog.get_logger(__name__)
#: Bytes of a snapshot that are held in memory; a longer one is a temporary file.
_SNAPSHOT_MEMORY = 1 << 18


class ObjectStore:
    """Objects below a prefix of a bucket. Each process has a client of its own: connections do not survive a fork."""

    is_remote = True

    def __init__(self, bucket: Bucket, settings: StorageSettings) -> None:
        self.bucket, self.settings = bucket, settings
        self._clients: dict[tuple[int, bool], Any] = {}

    def __str__(self) -> str:
        return str(self.bucket)

    @property
    def client(self) -> Any:
        with request_to_store("connect"):
            return self._client_of(for_checks=False)

    def _client_of(self, *, for_checks: bool) -> Any:
        key = (os.getpid(), for_checks)
        if key not in self._clients:
            self._clients[key] = make_client(self.bucket, self.settings, for_checks=for_checks)
        return self._clients[key]

    def place(self, path: str) -> dict[str, str]:
        """Bucket and key of a file, as the client wants them."""
        return {"Bucket": self.bucket.name, "Key": f"{self._prefix}{path}"}

    @property
    def _prefix(self) -> str:
        return f"{self.bucket.prefix}/" if self.bucket.prefix else ""

    def write(self, path: str, content: bytes) -> None:
        """Store an object with its SHA-256, which the store checks, and check what it says that it has.

        A repeated request stores the same bytes under the same name, so a lost answer does no harm.
        """
        digest = hashlib.sha256(content).digest()
        checksum = base64.b64encode(digest).decode()
        client = self.client
        with request_to_store("write"):
            client.put_object(
                **self.place(path),
                Body=content,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum,
                **self._kept_by_store(path),
            )
        found = self._head(path)
        if found is None or found["ContentLength"] != len(content) or self._digest_of(path, found) != digest.hex():
            log.error("storage_damaged", path=path)
            raise StorageUnavailable(reason="write: the object is not what was sent")

    def facts(self, path: str) -> FileFacts | None:
        found = self._head(path)
        return FileFacts(path, found["ContentLength"], found["LastModified"]) if found else None

    def sha256(self, path: str) -> str | None:
        found = self._head(path)
        return self._digest_of(path, found) if found else None

    def blocks(self, path: str, start: int = 0, stop: int | None = None) -> Blocks:
        return ObjectBlocks(self.client, self.place(path), start, stop)

    def snapshot(self, path: str) -> IO[bytes]:
        copy = SpooledTemporaryFile(_SNAPSHOT_MEMORY)  # noqa: SIM115 - the caller reads and closes it
        try:
            for block in self.blocks(path):
                copy.write(block)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return copy

    def local_path(self, path: str) -> Path | None:
        return None

    def staging_folder(self) -> Path | None:
        return None

    def remove(self, path: str) -> None:
        """Remove an object; in a bucket with versions or an object lock its old version stays as long as these say."""
        client = self.client
        with suppress(FileNotFoundError), request_to_store("remove"):
            client.delete_object(**self.place(path))

    def walk(self, prefix: str = "") -> Iterator[FileFacts]:
        pages = iter(
            self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket.name, Prefix=f"{self._prefix}{prefix}"
            )
        )
        while True:
            with request_to_store("list"):
                page = next(pages, None)
            if page is None:
                return
            for each in page.get("Contents", ()):
                path = each["Key"].removeprefix(self._prefix)
                if path and not path.endswith("/") and not any(part.startswith(".") for part in path.split("/")):
                    yield FileFacts(path, each["Size"], each["LastModified"])

    def check(self) -> None:
        self._require_bucket(self._client_of(for_checks=True))

    def replace_all(self, unpacked: Path) -> None:
        """Store the files, then remove the others: a crash in between loses nothing."""
        kept = set()
        for file in sorted(unpacked.rglob("*")):
            if file.is_file():
                path = file.relative_to(unpacked).as_posix()
                self.write(path, file.read_bytes())
                kept.add(path)
        for path in [each.path for each in self.walk() if each.path not in kept]:
            self.remove(path)

    def _kept_by_store(self, path: str) -> dict[str, Any]:
        """How the store encrypts and locks an object."""
        chosen: dict[str, Any] = {}
        if self.settings.encryption:
            chosen["ServerSideEncryption"] = self.settings.encryption
        if self.settings.kms_key:
            chosen["SSEKMSKeyId"] = self.settings.kms_key
        if self.settings.lock_mode and path.startswith(f"{LEGAL}/"):
            chosen["ObjectLockMode"] = self.settings.lock_mode.upper()
            chosen["ObjectLockRetainUntilDate"] = clock.now() + timedelta(days=self.settings.lock_days)
        return chosen

    def _head(self, path: str) -> dict[str, Any] | None:
        client = self.client
        try:
            with request_to_store("head"):
                found: dict[str, Any] = client.head_object(**self.place(path), ChecksumMode="ENABLED")
        except FileNotFoundError:
            self._require_bucket(client)  # without its bucket each file would seem to be missing
            return None
        return found

    def _require_bucket(self, client: Any) -> None:
        with request_to_store("check", is_of_bucket=True):
            client.head_bucket(Bucket=self.bucket.name)

    def _digest_of(self, path: str, found: dict[str, Any]) -> str:
        """The SHA-256 that the store computed; of a store that tells none, the SHA-256 of what it sends."""
        stated = found.get("ChecksumSHA256", "")
        if stated and "-" not in stated:
            return base64.b64decode(stated).hex()
        digest = hashlib.sha256()
        for block in self.blocks(path):
            digest.update(block)
        return digest.hexdigest()
