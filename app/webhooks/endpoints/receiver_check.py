"""Receiver checks: test requests (valid, forged, stale, repeated, slow), and a grade A to F for the responses."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.accounts.ownership import Scope
from app.extensions import db
from app.kernel import clock, json
from app.kernel.messages import N_
from app.kernel.outbound.shared_secret import generate_secret
from app.kernel.unit_of_work import after_commit, unit_of_work
from app.kernel.uuids import new_uuid
from app.kernel.worker.celery_app import LEASE, DebouncedTask
from app.webhooks.endpoints import service as endpoints
from app.webhooks.errors import CheckRunning, UnknownCheck
from app.webhooks.events import TEST
from app.webhooks.models.endpoints import Endpoint, ReceiverCheck
from app.webhooks.sender import attempt, http_client, signatures

trigger_checker = DebouncedTask("webhooks.check_receivers")
#: Seconds to wait for each response, and seconds that the slow request pauses in the middle of its body.
RESPONSE_SECONDS, PAUSE_SECONDS = 4.0, 2.0
#: Number of simultaneous checks, and seconds that a check takes at most, with a reserve for a busy machine.
MAX_CONCURRENT_CHECKS, MAX_CHECK_SECONDS = 8, 30
STALE_AGE = timedelta(minutes=10)
#: Clock drift in seconds that lowers the grade to B, and drift at which a receiver refuses valid requests (C).
DRIFT_WARNING_SECONDS, DRIFT_ERROR_SECONDS = 60, 300
LOST = N_("The worker that ran this check did not come back.")


@dataclass(frozen=True, slots=True)
class _TestRequest:
    """A test request, whether a receiver must accept it, and the grade and advice for a receiver that does not."""

    name: str
    must_accept: bool
    grade: str
    advice: str


TEST_REQUESTS = (
    _TestRequest("right", True, "F", "It has to answer a rightly signed request with 2xx."),
    _TestRequest("wrong_signature", False, "D", "Anybody may send it events: check the signature, refuse with 401."),
    _TestRequest("stale_timestamp", False, "C", "Recorded requests can be replayed: refuse timestamps over 300 s old."),
    _TestRequest("duplicate_id", True, "C", "A repeated id was processed before: answer it with 2xx and do nothing."),
    _TestRequest("slow_request", True, "B", "A body that arrives slowly is still right: wait for it some seconds."),
)


def request_check(endpoint_id: int, scope: Scope) -> ReceiverCheck:
    """Request a check of a receiver; the report is ready within half a minute.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
        CheckRunning: a check of this endpoint has not finished.
    """
    endpoint = endpoints.find(endpoint_id, scope)
    check = ReceiverCheck(endpoint_id=endpoint.id, state="pending")
    try:
        with db.session.begin_nested():
            db.session.add(check)
    except IntegrityError as error:
        raise CheckRunning from error
    after_commit(trigger_checker)
    return check


def find(endpoint_id: int, check_id: int, scope: Scope) -> ReceiverCheck:
    """Return a check.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
        UnknownCheck: the endpoint has no check with this id.
    """
    endpoint = endpoints.find(endpoint_id, scope)
    query = select(ReceiverCheck).where(ReceiverCheck.id == check_id, ReceiverCheck.endpoint_id == endpoint.id)
    check: ReceiverCheck | None = db.session.scalar(query.execution_options(populate_existing=True))
    if check is None:
        raise UnknownCheck
    return check


def latest_check(endpoint_id: int) -> ReceiverCheck | None:
    """Return the latest check of an endpoint, if it has one."""
    query = (
        select(ReceiverCheck).where(ReceiverCheck.endpoint_id == endpoint_id).order_by(ReceiverCheck.id.desc()).limit(1)
    )
    check: ReceiverCheck | None = db.session.scalar(query)
    return check


def run_due_checks() -> int:
    """Run the requested checks, several at the same time; return their number.

    Only one task runs checks at a time: they take many seconds, and the other workers stay free for retries.
    """
    if _is_any_running():
        return 0
    claimed = list(islice(iter(_claim, None), MAX_CONCURRENT_CHECKS))
    with ThreadPoolExecutor(MAX_CONCURRENT_CHECKS, thread_name_prefix="check") as pool:
        reports = [pool.submit(_check_receiver, receiver, data) for _, _, receiver, data in claimed]
        for (check_id, claim_id, _, _), report in zip(claimed, reports, strict=True):
            findings, drift = report.result()
            _store_report(check_id, claim_id, findings, drift)
    if claimed:
        trigger_checker()  # runs the checks that were requested meanwhile
    return len(claimed)


def _is_any_running() -> bool:
    with unit_of_work():
        recent = clock.now() + timedelta(seconds=LEASE - MAX_CHECK_SECONDS)
        running = select(ReceiverCheck.id).where(
            ReceiverCheck.state == "pending", ReceiverCheck.claim_id.is_not(None), ReceiverCheck.due_at > recent
        )
        return db.session.scalar(running.limit(1)) is not None


def _store_report(check_id: int, claim_id: UUID, findings: Sequence[Mapping[str, Any]], drift: float | None) -> None:
    with unit_of_work():
        report = {"findings": findings, "clock_drift_seconds": drift}
        _finish(check_id, claim_id, state="done", grade=_grade(findings, drift), report=report)


def _claim() -> tuple[int, UUID, attempt.Receiver, dict[str, Any]] | None:
    with unit_of_work():
        moment = clock.now()
        due = (
            select(ReceiverCheck)
            .where(ReceiverCheck.state == "pending", ReceiverCheck.due_at <= moment)
            .order_by(ReceiverCheck.id)
            .limit(1)
        )
        check: ReceiverCheck | None = db.session.scalar(due.with_for_update(skip_locked=True))
        if check is None:
            return None
        endpoint = db.session.get_one(Endpoint, check.endpoint_id, populate_existing=True)
        if check.claim_id is not None or endpoint.deleted_at is not None:
            error = endpoints.DELETED if check.claim_id is None else LOST
            check.state, check.report, check.finished_at = "failed", {"error": error}, moment
            check.claim_id = None
            after_commit(trigger_checker)  # runs the checks that wait behind this one
            return None
        check.claim_id, check.due_at = uuid4(), moment + timedelta(seconds=LEASE)
        return check.id, check.claim_id, attempt.open_receiver(endpoint, moment), _event_data(endpoint)


def _event_data(endpoint: Any) -> dict[str, Any]:
    return {TEST.key: TEST.schema.dump(endpoint), "user": {"id": endpoint.owner_id}}


def _finish(check_id: int, claim_id: UUID, **values: Any) -> None:
    claimed = update(ReceiverCheck).where(ReceiverCheck.id == check_id, ReceiverCheck.claim_id == claim_id)
    db.session.execute(claimed.values(**values, claim_id=None, finished_at=clock.now()))


def _check_receiver(receiver: attempt.Receiver, data: Mapping[str, Any]) -> tuple[list[dict[str, Any]], float | None]:
    """Send all test requests in order; the first one and the repeated one have the same id."""
    event_id, moment = new_uuid(), clock.now()
    body = json.encode_text({"event": TEST.name, "id": str(event_id), "created_at": clock.iso(moment), "data": data})
    findings, drift = [], None
    for test in TEST_REQUESTS:
        if test.name in {"right", "duplicate_id"}:
            id_, content = event_id, body
        else:
            id_ = new_uuid()
            content = body.replace(str(event_id), str(id_))
        before = clock.now()
        response = _post(test, receiver, id_, content)
        if test.name == "right":
            drift = _clock_drift(response, before)
        findings.append(_finding(test, response))
    return findings, drift


def _post(test: _TestRequest, receiver: attempt.Receiver, event_id: UUID, body: str) -> http_client.ReceiverResponse:
    if receiver.fault:
        return http_client.ReceiverResponse(0, error=receiver.fault)
    moment = clock.now() - (STALE_AGE if test.name == "stale_timestamp" else timedelta())
    keys: Sequence[str] = [generate_secret()] if test.name == "wrong_signature" else receiver.keys
    headers = {
        **receiver.headers,
        "Content-Type": "application/json",
        "User-Agent": attempt.USER_AGENT,
        "X-Webhook-Event": TEST.name,
        "X-Webhook-Attempt": "1",
        **signatures.signature_headers(keys, event_id, moment, body),
    }
    is_slow = test.name == "slow_request"
    content = _SlowBody(body.encode()) if is_slow else body.encode()
    return http_client.post(
        receiver.url,
        content,
        headers,
        receiver.allowances,
        ca_file=receiver.ca_file,
        deadline=RESPONSE_SECONDS + (PAUSE_SECONDS if is_slow else 0),
    )


class _SlowBody:
    """A request body that pauses in the middle."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        middle = len(self._content) // 2
        yield self._content[:middle]
        time.sleep(PAUSE_SECONDS)
        yield self._content[middle:]


def _finding(test: _TestRequest, response: http_client.ReceiverResponse) -> dict[str, Any]:
    refused = response.status is not None and not response.is_success
    passed = response.is_success if test.must_accept else refused
    return {
        "name": test.name,
        "expected": "2xx" if test.must_accept else "a refusal, such as 401",
        "status": response.status,
        "milliseconds": response.milliseconds,
        "error": response.error,
        "passed": passed,
        "advice": None if passed else test.advice,
    }


def _grade(findings: Sequence[Mapping[str, Any]], drift: float | None) -> str:
    """Return the worst grade of all findings and of the clock drift."""
    grades = ["A"]
    grades += [test.grade for test, finding in zip(TEST_REQUESTS, findings, strict=True) if not finding["passed"]]
    if drift is not None and abs(drift) > DRIFT_WARNING_SECONDS:
        grades.append("C" if abs(drift) > DRIFT_ERROR_SECONDS else "B")
    return max(grades)


def _clock_drift(response: http_client.ReceiverResponse, before: datetime) -> float | None:
    """Return the seconds by which the receiver's clock is ahead of ours, or None without a valid ``Date`` header.

    ``Date`` has whole seconds and is truncated, so half a second is added; the result is exact to about a second.
    """
    date = response.header("Date")
    if date is None:
        return None
    try:
        receiver_time = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    receiver_time = receiver_time if receiver_time.tzinfo else receiver_time.replace(tzinfo=UTC)
    our_time = before + timedelta(milliseconds=response.milliseconds / 2)
    return round((receiver_time + timedelta(seconds=0.5) - our_time).total_seconds(), 1)
