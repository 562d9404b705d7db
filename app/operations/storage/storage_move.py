"""``move()``: copies all stored files to another store, while the hub runs, and checks each of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from app.extensions import db
from app.kernel.storage.file_store import FileFacts, FileStore, StorageUnavailable
from app.operations.storage.stored_files import kept_files, newest_paths

#: The beginning of the SHA-256 of the content, at the end of a name.
_STATED = re.compile(r"-([0-9a-f]{12,64})\.[a-z]+\Z")
#: Files one after the other of which a store gives no answer; then the move ends, and can be begun again.
MOST_FAILURES = 3
#: Newest files of each table that the target must have in the end.
_LOOKED_FOR = 20


@dataclass(slots=True)
class Progress:
    """What a move has done: files that it copied and their bytes, files that were there already, and faults."""

    copied: int = 0
    present: int = 0
    size: int = 0
    faults: list[str] = field(default_factory=list)
    #: Whether a store stopped answering, so that files are left.
    is_cut: bool = False

    @property
    def is_complete(self) -> bool:
        return not self.faults and not self.is_cut


class _DamagedFile(Exception):
    """The content is not what its name or its copy says."""


def move(source: FileStore, target: FileStore, *, remove: bool, tell: Callable[[Progress], None]) -> Progress:
    """Copy each file that ``target`` does not have yet; a second run continues where the first one ended.

    Args:
        remove: whether an original is removed once its copy is checked.
        tell: called after each file.
    """
    progress, failures = Progress(), 0
    try:
        for each in kept_files(source):
            try:
                _move_file(source, target, each, progress, remove=remove)
                failures = 0
            except (_DamagedFile, StorageUnavailable) as error:
                progress.faults.append(f"{each.path}: {getattr(error, 'reason', '') or error}")
                failures += isinstance(error, StorageUnavailable)
                if failures >= MOST_FAILURES:
                    progress.is_cut = True
                    break
            tell(progress)
    except StorageUnavailable as error:
        progress.faults.append(f"{source}: {error.reason}")
        progress.is_cut = True
    if progress.is_complete and (fault := _missing_newest(target)):
        progress.faults.append(fault)
    return progress


def _missing_newest(target: FileStore) -> str:
    """The fault if the target lacks files that rows name: ``source`` was another place than the one of this hub."""
    paths = newest_paths(_LOOKED_FOR)
    db.session.rollback()  # no connection is held during requests to the store
    try:
        missing = [path for path in paths if target.facts(path) is None]
    except StorageUnavailable as error:
        return f"{target}: {error.reason}"
    if not missing:
        return ""
    count = f"{len(missing)} of the newest {len(paths)} files of this hub"
    return f"{target} lacks {count}, such as {missing[0]}. Check FROM."


def _move_file(source: FileStore, target: FileStore, each: FileFacts, progress: Progress, *, remove: bool) -> None:
    try:
        with source.snapshot(each.path) as file:
            content = file.read()
    except FileNotFoundError:  # the hub has removed it since it was listed
        return
    digest = hashlib.sha256(content).hexdigest()
    stated = _STATED.search(each.path)
    if stated and not digest.startswith(stated[1]):
        raise _DamagedFile("the content is not what its name says; it was not copied")
    is_present = target.sha256(each.path) == digest
    if not is_present:
        target.write(each.path, content)
    if source.facts(each.path) is None:
        # Removed meanwhile, perhaps for its personal data. The hub removes the original first, and then the copy.
        target.remove(each.path)
        return
    if target.sha256(each.path) != digest:
        raise _DamagedFile("the copy is not what was written")
    progress.present += is_present
    progress.copied += not is_present
    progress.size += 0 if is_present else len(content)
    if remove:
        source.remove(each.path)
