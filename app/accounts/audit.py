"""Audit trail: security events in the transaction of the request, API calls in batches after the requests."""

from __future__ import annotations

import atexit
import os
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
import structlog
from flask import Flask, Response, g, has_request_context, request
from prometheus_client import Counter

from app.accounts.credentials import last_used
from app.accounts.models.accounts import ApiCall, AuditEntry
from app.accounts.principals import Principal
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import is_page
from app.kernel.http.client_address import client_address
from app.kernel.log_redaction import mask_text
from app.kernel.logs import elapsed_ms
from app.kernel.money import plain_decimal
from app.kernel.unit_of_work import unit_of_work

log = structlog.get_logger(__name__)
LOST_CALLS = Counter("hub_api_calls_unrecorded_total", "API calls that could not be written to the audit trail.")

#: Seconds between batches; number of calls kept in memory while the database is unreachable.
FLUSH_INTERVAL, MAX_WAITING_CALLS = 0.25, 10_000
_ADDRESS = re.compile(r"https?://\S++", re.IGNORECASE)
MAX_METHOD_LENGTH, MAX_PATH_LENGTH = 10, 2000


class Call(NamedTuple):
    """A row of ``api_calls``, and whether the credential was accepted."""

    credential: str
    user_id: int | None
    method: str
    path: str
    status: int
    milliseconds: float
    address: str | None
    request_id: str
    created_at: datetime
    accepted: bool


_COLUMNS = Call._fields[:-1]
_COPY = f"COPY {ApiCall.__tablename__} ({', '.join(_COLUMNS)}) FROM STDIN"


def record(action: str, *, actor: str, subject: str, owner_id: int | None = None, **details: Any) -> None:
    """Add a security event to the current transaction.

    Args:
        owner_id: the user to whom the object belongs, if it belongs to one; the user may read the entry.
    """
    context = structlog.contextvars.get_contextvars()
    db.session.add(
        AuditEntry(
            action=action,
            actor=actor,
            subject=subject,
            details=_without_queries(details),
            address=client_address() if has_request_context() else None,
            request_id=context.get("request_id"),
            owner_id=owner_id,
        )
    )


def state_of(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """Present values of attributes, to compare them after a change; ``names`` has no secret and no free metadata."""
    return {name: getattr(row, name) for name in names}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Old and new value of each fact that differs, for the details of an entry."""
    return {
        name: [_plain(before.get(name)), _plain(value)] for name, value in after.items() if before.get(name) != value
    }


def _plain(value: Any) -> Any:
    """A value that JSON can hold exactly."""
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, Decimal):
        return plain_decimal(value)
    return value.isoformat() if isinstance(value, date) else value


def _without_queries(value: Any) -> Any:
    """The details without the queries of addresses, which often hold a key."""
    if isinstance(value, dict):
        return {name: _without_queries(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_queries(each) for each in value]
    return _ADDRESS.sub(lambda address: _without_query(address[0]), value) if isinstance(value, str) else value


def _without_query(address: str) -> str:
    before, mark, fragment = address.partition("#")
    path, _, query = before.partition("?")
    return f"{path}?…{mark}{fragment}" if query else address


def _call_of_request(principal: Principal, status: int) -> Call:
    return Call(
        credential=principal.credential,
        user_id=principal.user_id,
        method=request.method[:MAX_METHOD_LENGTH],
        # PostgreSQL text cannot hold NUL, and one row that cannot be stored would block the whole batch.
        path=mask_text(request.path)[:MAX_PATH_LENGTH].replace("\0", "\N{REPLACEMENT CHARACTER}"),
        status=status,
        milliseconds=elapsed_ms(),
        address=client_address(),
        request_id=g.request_id,
        created_at=clock.now(),
        accepted="principal" in g,
    )


class CallRecorder:
    """Writes API calls in the background, many in one COPY every 0.25 s, so that no request waits for its own row."""

    def __init__(self) -> None:
        self._app: Flask | None = None
        self._waiting: deque[Call] = deque()
        self._pid = 0
        self._pending = threading.Event()
        self._flush_lock = threading.Lock()

    def init_app(self, app: Flask) -> None:
        self._app = app
        app.after_request(self._enqueue)
        atexit.register(self.flush)

    def _enqueue(self, response: Response) -> Response:
        # A call is also recorded when its token was recognised but refused (revoked, expired, wrong address).
        principal: Principal | None = g.get("principal") or g.get("refused_caller")
        # A page view is not an API call; each change made on a page has an audit row or an event of its own.
        if principal is None or is_page(request.path):
            return response
        if len(self._waiting) >= MAX_WAITING_CALLS:
            LOST_CALLS.inc()
            return response
        self._waiting.append(_call_of_request(principal, response.status_code))
        self._ensure_running()
        self._pending.set()
        return response

    def _ensure_running(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            threading.Thread(target=self._run, name="api-calls", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._pending.wait()
            self._pending.clear()
            time.sleep(FLUSH_INTERVAL)
            self.flush()

    def flush(self) -> None:
        """Write the waiting calls; when the database is unreachable they stay in the queue for the next attempt."""
        with self._flush_lock:
            if self._app and self._waiting:
                self._write(self._app)

    def _write(self, app: Flask) -> None:
        calls = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            with app.app_context(), unit_of_work():
                connection = db.session.connection().connection.driver_connection
                with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                    for call in calls:
                        copy.write_row(call[: len(_COLUMNS)])
                last_used.record_uses(
                    (call.credential, call.created_at, call.address) for call in calls if call.accepted
                )
        except psycopg.DataError:
            # The database would refuse these rows again at each attempt, and the calls after them would wait for ever.
            LOST_CALLS.inc(len(calls))
            log.exception("api_calls_unstorable", lost=len(calls))
        except Exception:
            log.warning("api_calls_not_recorded", waiting=len(calls), exc_info=True)
            self._waiting.extendleft(reversed(calls))


recorder = CallRecorder()
