"""The audit trail: facts of security in their own transaction, API calls in batches beside the requests."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from typing import Any

import psycopg
import structlog
from flask import Flask, Response, g, has_request_context, request
from prometheus_client import Counter

from app.accounts.models import ApiCall, AuditEntry
from app.accounts.principals import Principal, peer_address
from app.extensions import db
from app.kernel import clock
from app.kernel.logs import elapsed_ms
from app.kernel.unit_of_work import unit_of_work
from app.kernel.web import is_page

log = structlog.get_logger(__name__)
LOST_CALLS = Counter("hub_api_calls_unrecorded_total", "API calls that could not be written to the audit trail.")

#: Seconds between batches, and how many calls may wait while the database is away.
FLUSH_INTERVAL, WAITING_LIMIT = 0.25, 10_000
LONGEST_METHOD, LONGEST_PATH = 10, 2000
_COLUMNS = ("credential", "user_id", "method", "path", "status", "milliseconds", "address", "request_id", "created_at")
_COPY = f"COPY {ApiCall.__tablename__} ({', '.join(_COLUMNS)}) FROM STDIN"


def record(action: str, *, actor: str, subject: str, **details: Any) -> None:
    """Write down a fact of security in the present transaction."""
    context = structlog.contextvars.get_contextvars()
    db.session.add(
        AuditEntry(
            action=action,
            actor=actor,
            subject=subject,
            details=details,
            address=peer_address() if has_request_context() else None,
            request_id=context.get("request_id"),
        )
    )


class CallRecorder:
    """Writes API calls a quarter of a second later, many in one statement: a request never waits for its own record."""

    def __init__(self) -> None:
        self._app: Flask | None = None
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._pid = 0
        self._wanted = threading.Event()
        self._flushing = threading.Lock()

    def init_app(self, app: Flask) -> None:
        self._app = app
        app.after_request(self._note)
        atexit.register(self.flush)

    def _note(self, answer: Response) -> Response:
        principal: Principal | None = g.get("principal")
        # What people look at is no API call; what they change has an audit row or an event of its own.
        if principal is None or is_page(request.path):
            return answer
        if len(self._waiting) >= WAITING_LIMIT:
            LOST_CALLS.inc()
            return answer
        self._waiting.append(
            (
                principal.credential,
                principal.user_id,
                request.method[:LONGEST_METHOD],
                # A row that cannot be stored would hold up all that wait behind it.
                request.path[:LONGEST_PATH].replace("\0", "\N{REPLACEMENT CHARACTER}"),
                answer.status_code,
                elapsed_ms(),
                peer_address(),
                g.request_id,
                clock.now(),
            )
        )
        self._ensure_running()
        self._wanted.set()
        return answer

    def _ensure_running(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            threading.Thread(target=self._run, name="api-calls", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            time.sleep(FLUSH_INTERVAL)
            self.flush()

    def flush(self) -> None:
        """Write what waits; what the database does not take stays waiting for the next time."""
        with self._flushing:
            if self._app and self._waiting:
                self._write(self._app)

    def _write(self, app: Flask) -> None:
        calls = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            with app.app_context(), unit_of_work():
                connection = db.session.connection().connection.driver_connection
                with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                    for call in calls:
                        copy.write_row(call)
        except psycopg.DataError:
            # Kept, it would be refused again each time and hold up all that wait behind it.
            LOST_CALLS.inc(len(calls))
            log.exception("api_calls_unstorable", lost=len(calls))
        except Exception:
            log.warning("api_calls_not_recorded", waiting=len(calls), exc_info=True)
            self._waiting.extendleft(reversed(calls))


recorder = CallRecorder()
