"""Look-ups: ask the providers for the e-invoices whose sending was given up in doubt; each account in its turn.

What a person decided about such a sending is looked up too.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import or_, select

from app.einvoices.decisions import decision_checks
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers import doubt, lanes, lockouts, outcomes, sendings
from app.einvoices.providers.clients import can_look_up
from app.einvoices.providers.contract import ProviderRejected, ProviderResponse
from app.einvoices.providers.lanes import AccountRound
from app.einvoices.providers.outbox import pool
from app.einvoices.providers.prepared_requests import PreparedRequest, prepare
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import OwnWord
from app.extensions import db
from app.kernel import clock
from app.kernel.worker import work_queue
from app.kernel.worker.fair_round import RoundLimits, Work

log = structlog.get_logger(__name__)
#: A round is short, because it runs on the queue of all periodic tasks: the rounds of sendings take a minute, and
#: look-ups must not wait for them. A look-up ends after 5 seconds.
LIMITS = RoundLimits(requests=16, slow_seconds=4.0, claim_seconds=4.0, linger_seconds=0.0)
#: The time between two look-ups of a sending grows from the first to the second, with the age of the doubt.
_INTERVAL = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Claim:
    id: UUID
    einvoice_id: int
    lane_id: int
    attempts: int
    error: str
    number_taken: bool
    prepared: PreparedRequest
    context: Context
    #: Of a sending about which a person decided: whether the hub gives up its check unless this look-up is answered.
    is_check: bool = False
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class _Result:
    """``response`` is None if the provider does not have the e-invoice; ``error`` if nobody could find out."""

    claim: _Claim
    asked_at: datetime
    seconds: float
    response: ProviderResponse | None = None
    error: ProviderRejected | None = None
    #: Whether the provider can be asked at all.
    asked: bool = True

    @property
    def is_clear(self) -> bool:
        """Whether the provider said that it has the e-invoice, or that it does not.

        "Not found" says nothing about a number that the provider has under another key: its report or a person settles
        that.
        """
        return self.asked and self.error is None and (self.response is not None or not self.claim.number_taken)


def look_up_due() -> int:
    """Look up sendings that were given up in doubt; return the number of look-ups."""
    return _LookUpRound(LIMITS, pool(os.getpid())).run()


class _LookUpRound(AccountRound[_Result]):
    """One run of the task that looks up; a lane is an account, and gets one look-up at a time."""

    def claim(self, free: int, *, skip_slow: bool, excluded: Sequence[int]) -> list[Work[_Result]]:
        """Claim a due look-up of each account."""
        busy = [*excluded, *self.lanes_in_flight]
        due = lanes.lock_due("look_up", free, skip_slow=skip_slow, excluded=busy, running=self.running())
        claims = [claim for lane, limit in due if limit and (claim := _claim_next(lane.id)) is not None]
        self.mark_served(due, [claim.lane_id for claim in claims])
        return [Work(claim.lane_id, functools.partial(claim.context.run, _perform, claim)) for claim in claims]

    def store(self, results: Sequence[_Result]) -> None:
        """Store a result, and what it says about the account."""
        for result in results:
            claim, refusal = result.claim, _refusal_of_credentials(result)
            if refusal and claim.lane_id != lanes.INSTALLATION:  # lock order: account, e-invoice, sending, lane
                lockouts.stop_account(claim.lane_id, refusal, result.asked_at)
            claim.context.run(_store, result)
            if result.asked:
                lanes.record_answer(claim.lane_id, result.seconds, is_clear=result.error is None)
            if refusal and claim.lane_id == lanes.INSTALLATION:
                lockouts.lock_out_settings(claim.prepared.adapter, refusal)

    def report(self, result: _Result) -> None:
        """Log a look-up."""
        result.claim.context.run(_report, result)


def _refusal_of_credentials(result: _Result) -> str | None:
    """How the provider said that it does not let the hub in; it would refuse sendings too."""
    return str(result.error) if result.error is not None and result.error.refuses_credentials else None


def _store(result: _Result) -> None:
    claim = result.claim
    if claim.is_check and result.is_clear:
        decision_checks.record_answer(claim.id, claim.einvoice_id, result.response, result.asked_at)
    elif claim.is_check and claim.is_last:
        decision_checks.record_no_answer(claim.id, claim.einvoice_id, str(result.error) if result.error else None)
    elif not claim.is_check:
        _show(claim)
        if result.is_clear:
            _record(result)


def _report(result: _Result) -> None:
    facts = {"einvoice": result.claim.einvoice_id, "lane": result.claim.lane_id}
    if result.error is not None:  # the sending stays in doubt, and the next look-up is due
        log.warning("einvoice_not_looked_up", **facts, error=str(result.error))
    elif result.asked:
        log.info("einvoice_looked_up", **facts, found=result.response is not None)


def _claim_next(lane_id: int) -> _Claim | None:
    """Claim the next look-up of an account.

    ``due_at`` of a failed sending is the end of its last lease: until then, the provider may still be storing it.
    """
    moment = clock.now()
    wanted = or_(sendings.is_doubtful(), decision_checks.is_open())
    due = select(EinvoiceSending).where(
        EinvoiceSending.lane_id == lane_id, wanted, work_queue.is_due(EinvoiceSending, moment)
    )
    first = due.order_by(EinvoiceSending.due_at).limit(1).with_for_update(skip_locked=True)
    row = db.session.scalar(first.execution_options(populate_existing=True))
    if row is None:
        return None
    shortest, longest = _INTERVAL
    claim_id, age = uuid4(), moment - (row.finished_at or moment)
    row.claim_id, row.due_at = claim_id, moment + min(max(age, shortest), longest)
    error, context = row.error or work_queue.WORKER_LOST, work_queue.context_of(row)
    is_check, is_last = row.check_state is not None, decision_checks.is_over(row.finished_at)
    names = (claim_id, row.einvoice_id, lane_id, row.attempts, error, row.number_taken)
    return _Claim(*names, prepare(row), context, is_check, is_last)


def _perform(claim: _Claim) -> _Result:
    """Ask the provider, outside of any transaction."""
    asked_at, started, prepared = clock.now(), time.monotonic(), claim.prepared
    if not can_look_up(prepared.adapter, prepared.request.lookup_url):
        return _Result(claim, asked_at, 0.0, asked=False)
    try:
        prepared.require_possible()
        response = doubt.look_up(prepared.adapter, prepared.request)
    except ProviderRejected as error:
        return _Result(claim, asked_at, time.monotonic() - started, error=error)
    return _Result(claim, asked_at, time.monotonic() - started, response)


def _show(claim: _Claim) -> None:
    """Show the doubt of a sending whose last worker was lost: nobody else has shown it."""
    einvoice = find_for_update(claim.einvoice_id, None)
    if einvoice.provider_status not in outcomes.UNANSWERED:
        doubt.settle_by_report(einvoice)
    elif einvoice.provider_status == OwnWord.QUEUED and sendings.find_doubtful(einvoice) is not None:
        outcomes.record_given_up(einvoice, claim.error, in_doubt=True)


def _record(result: _Result) -> None:
    claim = result.claim
    einvoice = find_for_update(claim.einvoice_id, None)  # lock order: the e-invoice first
    if result.response is None:
        facts = {"for_good": True, "in_doubt": False}
        if work_queue.fail(EinvoiceSending, claim.id, claim.attempts, claim.error, **facts):
            outcomes.record_not_taken(einvoice, provider=einvoice.provider)
    elif work_queue.finish(EinvoiceSending, claim.id, in_doubt=False):
        moments = {"asked_at": result.asked_at, "since": result.asked_at}
        outcomes.record_response(einvoice, result.response, **moments, is_repeat=True, looked_up=True)
