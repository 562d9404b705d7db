"""``file_store()``: the store that the settings of the present application name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from flask import current_app

from app.kernel.storage.file_store import FileStore
from app.kernel.storage.folder_store import FolderStore
from app.kernel.storage.object_store import ObjectStore
from app.kernel.storage.paired_store import PairedStore
from app.storage_settings import Folder, StorageSettings, parse_location


def file_store() -> FileStore:
    """The store of this application."""
    return _store(current_app.config["STORAGE_DIR"], current_app.config["STORAGE"])


def store_at(location: str) -> FileStore:
    """The store at a path or an address, with the credentials and options of the settings.

    Raises:
        BadLocation: the text names no place.
    """
    return _store_at(location, current_app.config["STORAGE"])


@lru_cache(32)
def _store(folder: Path, settings: StorageSettings) -> FileStore:
    main = _store_at(settings.url, settings) if settings.url else FolderStore(folder)
    return PairedStore(main, _store_at(settings.read_also, settings)) if settings.read_also else main


@lru_cache(32)
def _store_at(location: str, settings: StorageSettings) -> FileStore:
    place = parse_location(location)
    return FolderStore(place.path) if isinstance(place, Folder) else ObjectStore(place, settings)
