"""Outbox: sends due e-invoices to their providers and stores the responses; applies callbacks of the simulator."""

from __future__ import annotations

import functools
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import ColumnElement, and_, select

from app.config import MIB
from app.einvoices.lifecycle.allowed_steps import STEPS
from app.einvoices.models.work import EinvoiceCallback, EinvoiceSending
from app.einvoices.providers import doubt, lanes, lockouts, outcomes, sendings, status_reports
from app.einvoices.providers.clients import ADAPTERS
from app.einvoices.providers.contract import DocumentLost, NotAsked, ProviderRejected, ProviderResponse
from app.einvoices.providers.lanes import AccountRound
from app.einvoices.providers.prepared_requests import PreparedRequest, prepare
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import Status
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import LEASE
from app.kernel.worker.fair_round import RoundLimits, Work
from app.kernel.worker.wake_ups import wake_ups_of

log = structlog.get_logger(__name__)
SENDINGS = Counter(
    "hub_einvoice_sendings_total", "Attempts to hand an e-invoice to its provider.", ["provider", "outcome"]
)
#: Simultaneous requests of one process, and those among them whose legal document has more than so many bytes: such a
#: request takes several times the memory of its document.
MAX_REQUESTS, MAX_LARGE_REQUESTS, LARGE_BYTES = 48, 6, MIB
#: Seconds in which a round claims sendings. At its end it waits for its last requests and claims nothing, so the
#: processes end their rounds at different times; slow accounts get no request in the last seconds.
SHORTEST_ROUND, LONGEST_ROUND, LAST_SECONDS = 45.0, 75.0, 17.0
#: A round that has nothing to do goes on so long: what users send soon after needs no new task message.
LINGER_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    einvoice_id: int
    lane_id: int
    attempts: int
    queued_at: datetime
    #: Whether the provider may have the e-invoice from an earlier attempt.
    was_in_doubt: bool
    prepared: PreparedRequest
    context: Context

    @property
    def is_large(self) -> bool:
        """Whether its legal document is large."""
        return self.prepared.stored is not None and self.prepared.stored.size > LARGE_BYTES


@dataclass(frozen=True, slots=True)
class _Result:
    """The response to a claimed sending, or the error if there is none."""

    claim: _Claim
    asked_at: datetime
    seconds: float
    response: ProviderResponse | None = None
    error: Exception | None = None
    looked_up: bool = False

    @property
    def since(self) -> datetime:
        """From when the word of the response may be: a repeat is answered as the first sending was."""
        return self.asked_at if self.looked_up else self.claim.queued_at

    @property
    def is_clear(self) -> bool:
        """Whether the provider answered, be it that it refuses the e-invoice."""
        return self.error is None or (isinstance(self.error, ProviderRejected) and self.error.permanent)


def send_due() -> int:
    """Send due e-invoices until none is left or the time of the round is over; return the number of attempts."""
    seconds = random.uniform(SHORTEST_ROUND, LONGEST_ROUND)  # noqa: S311 - no secret
    limits = RoundLimits(MAX_REQUESTS, seconds - LAST_SECONDS, seconds, LINGER_SECONDS)
    wake_up = wake_ups_of(sendings.trigger_sender.task_name).listen()
    return _SendRound(limits, pool(os.getpid()), wake_up).run()


@functools.cache
def pool(_process: int) -> ThreadPoolExecutor:
    """Thread pool of a process, for sendings and look-ups."""
    return ThreadPoolExecutor(MAX_REQUESTS, thread_name_prefix="provider")


def apply_due_callbacks() -> int:
    """Apply due callbacks of the simulator; returns their number."""
    count = 0
    while _apply_next_callback():
        count += 1
    return count


class _SendRound(AccountRound[_Result]):
    """One run of the task that sends; a lane is an account."""

    def claim(self, free: int, *, skip_slow: bool, excluded: Sequence[int]) -> list[Work[_Result]]:
        """Claim due sendings of each account within its limits."""
        refused = lockouts.locked_out_adapters()
        due = lanes.lock_due(
            "send", free, skip_slow=skip_slow, excluded=excluded, running=self.running(), refused=refused
        )
        large = MAX_LARGE_REQUESTS - self.large_in_flight
        claims: list[_Claim] = []
        for lane, limit in due:
            for claim in _claims(lane.id, limit, refused, large):
                claims.append(claim)
                large -= claim.is_large
        self.mark_served(due, [claim.lane_id for claim in claims])
        return [
            Work(claim.lane_id, functools.partial(claim.context.run, _perform, claim), claim.is_large)
            for claim in claims
        ]

    def store(self, results: Sequence[_Result]) -> None:
        """Store a result, and what it says about the account."""
        for result in results:
            result.claim.context.run(_record, result)
            if not isinstance(result.error, NotAsked):
                lanes.record_answer(result.claim.lane_id, result.seconds, is_clear=result.is_clear)

    def report(self, result: _Result) -> None:
        """Count an attempt, and log it."""
        result.claim.context.run(_report, result)


def _report(result: _Result) -> None:
    claim, error = result.claim, result.error
    is_refusal = isinstance(error, ProviderRejected) and not isinstance(error, NotAsked)
    outcome = "taken" if error is None else "refused" if is_refusal else "error"
    SENDINGS.labels(claim.prepared.adapter, outcome).inc()
    facts = {"einvoice": claim.einvoice_id, "lane": claim.lane_id, "attempt": claim.attempts}
    if error is None:
        log.info("einvoice_sent", **facts, looked_up=result.looked_up)
    else:
        log.warning("einvoice_not_sent", **facts, error=str(error))


def _claims(lane_id: int, limit: int, refused: Sequence[str], large: int) -> Iterator[_Claim]:
    """Claim due sendings of an account; without one, not of the ``refused`` adapters.

    Args:
        limit: how many at most.
        large: how many with a large legal document at most.
    """
    in_lane = and_(EinvoiceSending.lane_id == lane_id, ~sendings.lacks_document())
    if lane_id == lanes.INSTALLATION:
        in_lane &= EinvoiceSending.provider.not_in(refused)
    for _ in range(limit):
        claim = _claim_next(lane_id, in_lane if large > 0 else in_lane & ~sendings.has_document_over(LARGE_BYTES))
        if claim is None:
            return
        large -= claim.is_large
        yield claim


def _claim_next(lane_id: int, in_lane: ColumnElement[bool]) -> _Claim | None:
    row: EinvoiceSending | None = work_queue.claim(EinvoiceSending, timedelta(seconds=LEASE), in_lane)
    if row is None or row.claim_id is None:
        return None
    was_in_doubt, row.in_doubt = row.in_doubt, True  # until an answer comes, also when this worker is killed
    facts = (row.attempts, row.created_at, was_in_doubt)
    return _Claim(row.claim_id, row.einvoice_id, lane_id, *facts, prepare(row), work_queue.context_of(row))


def _perform(claim: _Claim) -> _Result:
    """Make the attempt, outside of any transaction; errors are in the result."""
    asked_at, started, found = clock.now(), time.monotonic(), None
    adapter, request = claim.prepared.adapter, claim.prepared.request
    try:
        claim.prepared.require_possible()
        found = doubt.look_up(adapter, request) if claim.was_in_doubt else None
        response = found or ADAPTERS[adapter].send(claim.prepared.with_document())
    except Exception as error:  # noqa: BLE001 - the row stores every failure of a provider and is retried
        return _Result(claim, asked_at, time.monotonic() - started, error=error)
    return _Result(claim, asked_at, time.monotonic() - started, response, looked_up=found is not None)


def _record(result: _Result) -> None:
    if result.response is not None:
        _record_response(result, result.response)
    elif result.error is not None:
        _record_failure(result, result.error)


def _record_failure(result: _Result, error: Exception) -> None:
    claim, rejected = result.claim, error if isinstance(error, ProviderRejected) else None
    reason = str(error) if rejected else f"{type(error).__name__}: {error}"
    in_doubt = claim.was_in_doubt or rejected is None or rejected.in_doubt
    is_locked_out = rejected is not None and rejected.refuses_credentials
    if is_locked_out and claim.lane_id != lanes.INSTALLATION:  # lock order: account, e-invoice, sending, lane
        lockouts.stop_account(claim.lane_id, reason, result.asked_at)
    einvoice = find_for_update(claim.einvoice_id, None)
    facts: dict[str, Any] = {"in_doubt": in_doubt}
    if rejected is not None and rejected.number_taken:
        facts["number_taken"] = True
    if isinstance(error, DocumentLost):
        facts["document_id"] = None  # a worker writes it again
    gave_up = False
    if is_locked_out:
        work_queue.put_back(EinvoiceSending, claim.id, reason, **facts)
    else:
        permanent = rejected is not None and rejected.permanent
        gave_up = work_queue.fail(EinvoiceSending, claim.id, claim.attempts, reason, for_good=permanent, **facts)
    if is_locked_out and claim.lane_id == lanes.INSTALLATION:
        lockouts.lock_out_settings(claim.prepared.adapter, reason)
    # A callback that came during a request without an answer says that the provider has the e-invoice.
    if in_doubt and einvoice.provider_status not in outcomes.UNANSWERED and doubt.settle_by_report(einvoice):
        return
    if gave_up:
        outcomes.record_given_up(einvoice, reason, in_doubt=in_doubt)


def _record_response(result: _Result, response: ProviderResponse) -> None:
    # Lock order: the e-invoice first, then the sending, whose update shows whether the claim is still valid.
    einvoice = find_for_update(result.claim.einvoice_id, None)
    if not work_queue.finish(EinvoiceSending, result.claim.id, in_doubt=False):
        return
    if einvoice.status in STEPS["send"].statuses or einvoice.status == Status.REFUNDED:
        payload: dict[str, Any] = {"looked_up": True} if result.looked_up else {}
        is_repeat = result.claim.was_in_doubt
        outcomes.record_response(
            einvoice, response, result.asked_at, since=result.since, is_repeat=is_repeat, **payload
        )


def _apply_next_callback() -> bool:
    with unit_of_work():
        due = select(EinvoiceCallback).where(EinvoiceCallback.due_at <= clock.now()).order_by(EinvoiceCallback.due_at)
        row = db.session.scalar(due.limit(1).with_for_update(skip_locked=True))
        if row is None:
            return False
        status_reports.report(row.einvoice_id, {**row.said, "occurred_at": row.occurred_at}, None)
        db.session.delete(row)
    return True
