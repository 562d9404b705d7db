"""How far the work on an uploaded file is: written while a request works, read by the page that waits for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

import msgspec
import structlog
from redis.exceptions import RedisError

from app.extensions import bus

log = structlog.get_logger(__name__)
#: Seconds for which a step is shown without a newer one.
LIFETIME = 600
_ID = re.compile(r"[0-9a-f-]{8,36}")

#: Called with the number of rows that are done and the number of all rows.
Report = Callable[[int, int], None]


class Step(StrEnum):
    """What is done with a file."""

    READ = "read"
    CHECK = "check"
    STORE = "store"


class Progress(msgspec.Struct, frozen=True):
    """The present step and its rows; ``total`` is 0 while it is unknown."""

    step: Step
    done: int = 0
    total: int = 0


def ignore(_done: int, _total: int) -> None:
    """A ``Report`` for callers whom nobody waits for."""


def note(user_id: int, upload_id: str, step: Step, done: int = 0, total: int = 0) -> None:
    """Store how far an upload is. Without Redis the page shows no progress; the upload goes on."""
    if not _ID.fullmatch(upload_id):
        return
    try:
        bus.client.set(_key(user_id, upload_id), msgspec.json.encode(Progress(step, done, total)), ex=LIFETIME)
    except RedisError as error:
        log.warning("progress_not_stored", error_kind=type(error).__name__)


def reporter(user_id: int, upload_id: str, step: Step) -> Report:
    """A function that stores how far one step of an upload is."""
    return lambda done, total: note(user_id, upload_id, step, done, total)


def find(user_id: int, upload_id: str) -> Progress | None:
    """How far an upload of this user is; None if it is unknown."""
    if not _ID.fullmatch(upload_id):
        return None
    try:
        stored = bus.client.get(_key(user_id, upload_id))
    except RedisError as error:
        log.warning("progress_not_read", error_kind=type(error).__name__)
        return None
    return msgspec.json.decode(stored, type=Progress) if stored else None


def _key(user_id: int, upload_id: str) -> str:
    return f"hub:upload:{user_id}:{upload_id}"
