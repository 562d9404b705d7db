"""The file that a backup is: a tar whose last member, the manifest, tells the checksum of every other one."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from app.operations.backup.encryption import DecryptingReader, DecryptionError, EncryptingWriter, is_encrypted

FORMAT = 1
MANIFEST, STORAGE, DATABASE = "manifest.json", "storage/", "database/"
#: Bytes of the dump in one member: so much is held in memory, and nothing in the clear on the disk.
PART_BYTES = 16 * 1024 * 1024
_NAME = re.compile(r"(?:storage/(?!\.)[\w. ()+@,=-]+(?:/(?!\.)[\w. ()+@,=-]+)*|database/\d{6}|manifest\.json)")


class BrokenBackupError(Exception):
    """The file is no whole backup of this hub; the message says what is wrong with it."""


@dataclass(slots=True)
class Manifest:
    """What is in a backup; ``tables`` counts the rows, ``missing`` names files that rows speak of and no disk had."""

    hub_version: str
    revision: str
    created_at: str
    format: int = FORMAT
    tables: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    #: Name of a member -> SHA-256 of its bytes.
    members: dict[str, str] = field(default_factory=dict)


class ArchiveWriter:
    """A backup that is being written."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar, self.manifest = tar, manifest

    def add(self, name: str, content: bytes) -> None:
        """Add a member, once: what is there already stays as it is."""
        if name in self.manifest.members:
            return
        if not _NAME.fullmatch(name):
            raise BrokenBackupError(f"{name} is no name for a member of a backup.")
        self._write(name, content)
        self.manifest.members[name] = hashlib.sha256(content).hexdigest()

    def finish(self) -> None:
        """Write the manifest, without which nothing is restored."""
        self._write(MANIFEST, msgspec.json.encode(self.manifest))

    def _write(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))


@contextmanager
def create_archive(target: Path, manifest: Manifest, passphrase: str | None) -> Iterator[ArchiveWriter]:
    """A new backup at ``target``, there when it is whole and safely on the disk, and otherwise not at all."""
    part = target.with_name(f".{target.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            sealed = EncryptingWriter(file, passphrase) if passphrase else None
            with tarfile.open(fileobj=sealed or file, mode="w|") as tar:  # type: ignore[call-overload]
                archive = ArchiveWriter(tar, manifest)
                yield archive
                archive.finish()
            if sealed:
                sealed.close()
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
        _fsync_folder(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read(source: Path, passphrase: str | None, take: Callable[[str, bytes], None]) -> Manifest:
    """Hand each member to ``take``, and check all of them against the manifest.

    Raises:
        BrokenBackupError: something is missing, too much, or not as it was written.
    """
    found: dict[str, str] = {}
    manifest: Manifest | None = None
    try:
        for name, content in _members(source, passphrase):
            if name == MANIFEST:
                manifest = _parse_manifest(content)
            else:
                found[name] = hashlib.sha256(content).hexdigest()
                take(name, content)
    except (tarfile.TarError, DecryptionError, EOFError) as error:
        raise BrokenBackupError(f"{source.name} cannot be read: {error}") from error
    if manifest is None:
        raise BrokenBackupError(f"{source.name} is not whole: its manifest is missing.")
    if found != manifest.members:
        wrong = sorted(name for name in {*found, *manifest.members} if found.get(name) != manifest.members.get(name))
        raise BrokenBackupError(f"{source.name} is damaged: {', '.join(wrong[:5])} is not what was written.")
    return manifest


def _members(source: Path, passphrase: str | None) -> Iterator[tuple[str, bytes]]:
    with source.open("rb") as file, tarfile.open(fileobj=_decrypted(file, passphrase), mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() and _NAME.fullmatch(member.name) else None
            if content is None:
                raise BrokenBackupError(f"{source.name} holds {member.name!r}, which no backup does.")
            yield member.name, content.read()


def _decrypted(file: IO[bytes], passphrase: str | None) -> Any:
    if not is_encrypted(file):
        return file
    if not passphrase:
        raise BrokenBackupError("The backup is encrypted: its passphrase is needed.")
    return DecryptingReader(file, passphrase)


def _parse_manifest(content: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BrokenBackupError(f"The manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise BrokenBackupError(f"The backup has format {manifest.format}; this hub reads {FORMAT}.")
    return manifest


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
