"""``ask()``: the opinion of the official rules on a document, for which the caller waits a moment."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.einvoices.official import request_queue
from app.einvoices.official.request_queue import OfficialAnswer, OfficialState
from app.formats.canonical import Format
from app.kernel.unit_of_work import unit_of_work

#: Seconds that a call of the API waits.
WAIT_SECONDS = 5.0
#: Seconds between two looks at the row; they grow.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.4
#: Calls that wait in this process at the same time: of one user, and of all. Others get the state at once.
_OF_USER, _OF_ALL = 2, 8

_lock, _places = threading.Lock(), Counter[int]()


def ask(content: bytes, document_format: Format, user_id: int, *, seconds: float) -> OfficialAnswer:
    """The opinion, or its state after ``seconds``; no transaction may be open."""
    with unit_of_work():
        answer = request_queue.find_or_request(content, document_format, user_id)
    if answer.state is not OfficialState.PENDING:
        return answer
    with _place(user_id) as has_place:
        return _wait(answer, user_id, seconds) if has_place else answer


def _wait(answer: OfficialAnswer, user_id: int, seconds: float) -> OfficialAnswer:
    """Look until the document was checked. Each look is a transaction: no connection is held in between."""
    end, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while answer.state is OfficialState.PENDING and (left := end - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(1.5 * pause, _LONGEST_PAUSE)
        with unit_of_work():
            found = request_queue.find(answer.id, user_id) if answer.id else None
        answer = found or answer
    return answer


@contextmanager
def _place(user_id: int) -> Iterator[bool]:
    """Whether the caller may wait; in the block it has the place."""
    with _lock:
        has_place = _places[user_id] < _OF_USER and _places.total() < _OF_ALL
        _places[user_id] += has_place
    try:
        yield has_place
    finally:
        with _lock:
            _places[user_id] -= has_place
            if not _places[user_id]:
                del _places[user_id]  # or the count of each user who ever asked would stay
