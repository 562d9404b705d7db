"""Results of attempts: store them, and update the delivery if the claim is still valid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, bindparam, text

from app.extensions import db
from app.kernel import clock
from app.kernel.messages import N_
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import circuit_breaker, delivery_evidence, result_rows
from app.webhooks.sender.attempt import AttemptResult
from app.webhooks.sender.claims import Claim
from app.webhooks.sender.retry_schedule import next_due, retry_delays

#: An endpoint that answers more slowly than this, or not at all, gets one request at a time.
SLOW_MILLISECONDS = 3000
LOST = N_("The worker that made this attempt did not come back.")
_MAX_ERROR_LENGTH = 500
#: Locks in the order of the ids, as all senders do.
_SET_SLOW_SQL = text("""
    WITH changed AS (
        SELECT l.endpoint_id, answered.slow FROM webhook_lanes l
        JOIN unnest(:endpoints, :slow) AS answered (endpoint_id, slow) ON answered.endpoint_id = l.endpoint_id
        WHERE l.is_slow <> answered.slow ORDER BY l.endpoint_id FOR UPDATE OF l
    )
    UPDATE webhook_lanes SET is_slow = changed.slow FROM changed WHERE webhook_lanes.endpoint_id = changed.endpoint_id
""").bindparams(bindparam("endpoints", type_=ARRAY(BigInteger)), bindparam("slow", type_=ARRAY(Boolean)))


def is_exhausted(claim: Claim) -> bool:
    """Whether lost attempts have used up the round of retries.

    If ``WEBHOOK_RETRIES`` was shortened meanwhile, a delivery beyond the last step is sent once more, unless its worker
    was lost.
    """
    return claim.was_lost and claim.step > len(retry_delays())


def record_results(results: Sequence[AttemptResult]) -> None:
    """Store attempts in the current transaction.

    If another worker has the claim by now, only the attempt is stored and the delivery does not change.
    """
    if not results:
        return
    moment = clock.now()
    deliveries = [_delivery_after(result, moment) for result in results]
    result_rows.store_results(deliveries, [_attempt_row(result) for result in results])
    _mark_slow_endpoints(results)
    circuit_breaker.evaluate_results(results, moment)
    delivery_evidence.append_deliveries(results)


def record_lost_attempts(claims: Sequence[Claim]) -> None:
    """Store the attempts of lost workers; a delivery that has no attempt left has failed."""
    lost = [claim for claim in claims if claim.was_lost]
    if not lost:
        return
    moment = clock.now()
    query = db.select(Endpoint.id, Endpoint.url).where(Endpoint.id.in_({claim.endpoint_id for claim in lost}))
    urls = {endpoint_id: url for endpoint_id, url in db.session.execute(query)}  # noqa: C416 - of rows, typed
    result_rows.store_lost_attempts(
        [
            {
                "delivery_id": claim.delivery_id,
                "number": claim.attempt - 1,
                "outcome": "lost",
                "started_at": moment,
                "url": urls[claim.endpoint_id],
                "request_headers": {},
                "error": LOST,
            }
            for claim in lost
        ]
    )
    failed = [_delivery_after_loss(claim, moment) for claim in lost if is_exhausted(claim)]
    if failed:
        result_rows.update_deliveries(failed)


def _delivery_after(result: AttemptResult, moment: datetime) -> dict[str, Any]:
    claim, response = result.claim, result.response
    values: dict[str, Any] = {
        "id": claim.delivery_id,
        "claim_id": claim.claim_id,
        "response_status": response.status,
        "error": _error(result),
        "state": "pending",
        "step": claim.step,
        "due_at": moment,
        "finished_at": None,
    }
    if response.is_success:
        return values | {"state": "delivered", "finished_at": moment}
    if claim.is_probe:
        return values  # a failed probe uses up no retry of the delivery
    if claim.step >= len(retry_delays()):
        return values | {"state": "failed", "finished_at": moment, "step": claim.step + 1}
    return values | {"step": claim.step + 1, "due_at": next_due(claim.step, moment, response.header("Retry-After"))}


def _delivery_after_loss(claim: Claim, moment: datetime) -> dict[str, Any]:
    return {
        "id": claim.delivery_id,
        "claim_id": claim.claim_id,
        "response_status": None,
        "error": LOST,
        "state": "failed",
        "step": claim.step,
        "due_at": moment,
        "finished_at": moment,
    }


def _attempt_row(result: AttemptResult) -> dict[str, Any]:
    response = result.response
    return {
        "delivery_id": result.claim.delivery_id,
        "number": result.claim.attempt,
        "outcome": "delivered" if response.is_success else "failed",
        "started_at": result.started_at,
        "milliseconds": response.milliseconds,
        "address": response.address,
        "url": result.url,
        "request_headers": dict(result.headers),
        "response_status": response.status,
        "response_headers": response.headers,
        "response_body": response.body,
        "error": _error(result),
    }


def _error(result: AttemptResult) -> str | None:
    response = result.response
    if response.is_success or response.error:
        return response.error and response.error[:_MAX_ERROR_LENGTH]
    if 300 <= (response.status or 0) < 400:  # noqa: PLR2004
        return f"The receiver answered {response.status}; redirects are not followed."
    return f"The receiver answered {response.status}."


def _mark_slow_endpoints(results: Sequence[AttemptResult]) -> None:
    slow = {r.claim.endpoint_id: _is_slow(r) for r in results if _is_slow(r) or r.claim.was_slow}
    if slow:
        db.session.execute(_SET_SLOW_SQL, {"endpoints": list(slow), "slow": list(slow.values())})


def _is_slow(result: AttemptResult) -> bool:
    return result.response.milliseconds > SLOW_MILLISECONDS
