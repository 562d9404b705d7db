"""``storage_state()``: whether the store of files answers, for probes and metrics."""

from __future__ import annotations

import time

from app.kernel.storage.file_store import FileStore, StorageUnavailable
from app.kernel.storage.stores import file_store

#: Seconds for which an answer of a remote store is kept: probes and scrapes ask often.
KEPT_SECONDS = 5.0
_known: dict[str, tuple[float, str]] = {}


def storage_state() -> str:
    """``ok``, or the kind of the error."""
    store = file_store()
    if not store.is_remote:
        return _ask(store)
    asked, state = _known.get(str(store), (0.0, ""))
    if not state or time.monotonic() - asked > KEPT_SECONDS:
        state = _ask(store)
        _known[str(store)] = (time.monotonic(), state)
    return state


def _ask(store: FileStore) -> str:
    try:
        store.check()
    except StorageUnavailable as error:
        return error.reason.removeprefix("check: ")
    except OSError as error:
        return type(error).__name__
    return "ok"
