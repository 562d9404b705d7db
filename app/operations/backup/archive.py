"""File format of a backup: a tar archive whose last member, the manifest, holds the checksum of every other member."""

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
#: Bytes of the database dump in one member; one part is held in memory, and nothing unencrypted is on the disk.
PART_BYTES = 16 * 1024 * 1024
_NAME = re.compile(r"(?:storage/(?!\.)[\w. ()+@,=-]+(?:/(?!\.)[\w. ()+@,=-]+)*|database/\d{6}|manifest\.json)")


class BrokenBackupError(Exception):
    """The file is not a complete backup of this hub; the message gives the reason."""


@dataclass(slots=True)
class Manifest:
    """Contents of a backup.

    Attributes:
        tables: number of rows by table.
        missing: paths that rows refer to and that were not on the disk.
        members: SHA-256 by name of the member.
    """

    hub_version: str
    revision: str
    created_at: str
    format: int = FORMAT
    tables: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)


class ArchiveWriter:
    """Writes the members of a new backup."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar, self.manifest = tar, manifest

    def add(self, name: str, content: bytes) -> None:
        """Add a member; a name that exists already is skipped."""
        if name in self.manifest.members:
            return
        if not _NAME.fullmatch(name):
            raise BrokenBackupError(f"{name} is not a valid name for a member of a backup.")
        self._write(name, content)
        self.manifest.members[name] = hashlib.sha256(content).hexdigest()

    def finish(self) -> None:
        """Write the manifest; a backup without manifest is never restored."""
        self._write(MANIFEST, msgspec.json.encode(self.manifest))

    def _write(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))


@contextmanager
def create_archive(target: Path, manifest: Manifest, passphrase: str | None) -> Iterator[ArchiveWriter]:
    """Write a new backup to ``target``; the file appears there only when it is complete and synced to the disk."""
    part = target.with_name(f".{target.name}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            encrypting = EncryptingWriter(file, passphrase) if passphrase else None
            with tarfile.open(fileobj=encrypting or file, mode="w|") as tar:  # type: ignore[call-overload]
                archive = ArchiveWriter(tar, manifest)
                yield archive
                archive.finish()
            if encrypting:
                encrypting.close()
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
        _fsync_folder(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read(source: Path, passphrase: str | None, take: Callable[[str, bytes], None]) -> Manifest:
    """Pass each member to ``take``, and verify all members against the manifest.

    Raises:
        BrokenBackupError: a member is missing, unknown or changed, or the file cannot be read.
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
        raise BrokenBackupError(f"{source.name} is incomplete: its manifest is missing.")
    if found != manifest.members:
        wrong = sorted(name for name in {*found, *manifest.members} if found.get(name) != manifest.members.get(name))
        raise BrokenBackupError(
            f"{source.name} is damaged: these members differ from the manifest: {', '.join(wrong[:5])}."
        )
    return manifest


def _members(source: Path, passphrase: str | None) -> Iterator[tuple[str, bytes]]:
    with source.open("rb") as file, tarfile.open(fileobj=_decrypted(file, passphrase), mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() and _NAME.fullmatch(member.name) else None
            if content is None:
                raise BrokenBackupError(f"{source.name} holds an invalid member: {member.name!r}.")
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
