"""Writing down what became of attempts, and when the next one is due; only whoever holds the claim decides."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, text, update
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.kernel import clock
from app.kernel.messages import N_
from app.webhooks.models.deliveries import Attempt, Delivery
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import circuit_breaker
from app.webhooks.sender.attempt import AttemptResult
from app.webhooks.sender.claims import Claim

JITTER = 0.1
#: Slower than this (or not at all), and the endpoint is given one request at a time.
SLOW_MILLISECONDS = 3000
LOST = N_("The worker that made this attempt did not come back.")
_MAX_ERROR_LENGTH = 500
_deliveries: Any = Delivery.__table__

_SETTLE_SQL = (
    update(_deliveries)
    .where(_deliveries.c.id == bindparam("delivery"), _deliveries.c.claim_id == bindparam("held"))
    .values(
        {
            name: bindparam(name)
            for name in ("state", "step", "due_at", "claim_id", "response_status", "error", "finished_at")
        }
    )
)
_SET_SLOW_SQL = text("UPDATE webhook_lanes SET is_slow = :slow WHERE endpoint_id = :endpoint AND is_slow <> :slow")


def retry_delays() -> Sequence[timedelta]:
    """How long to wait after each failed attempt but the last."""
    configured: Sequence[timedelta] = current_app.config["WEBHOOK_RETRIES"]
    return configured


def is_exhausted(claim: Claim) -> bool:
    """Whether workers that did not come back have used up the round; what is left after a change of delays is sent."""
    return claim.was_lost and claim.step > len(retry_delays())


def record_results(results: Sequence[AttemptResult]) -> None:
    """Write down attempts in the present transaction; of a lost claim only that the attempt was made."""
    if not results:
        return
    moment = clock.now()
    db.session.connection().execute(_SETTLE_SQL, [_delivery_after(result, moment) for result in results])
    _store_attempts([_attempt_row(result) for result in results])
    for endpoint_id, slow in sorted({r.claim.endpoint_id: _is_slow(r) for r in results}.items()):
        db.session.execute(_SET_SLOW_SQL, {"endpoint": endpoint_id, "slow": slow})
    circuit_breaker.evaluate_results(results, moment)


def record_lost_attempts(claims: Sequence[Claim]) -> None:
    """Write down the attempts that were lost, and fail what has none left."""
    lost = [claim for claim in claims if claim.was_lost]
    if not lost:
        return
    moment = clock.now()
    named = db.select(Endpoint.id, Endpoint.url).where(Endpoint.id.in_({claim.endpoint_id for claim in lost}))
    urls = {endpoint_id: url for endpoint_id, url in db.session.execute(named)}  # noqa: C416 - of rows, typed
    _store_attempts(
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
        ],
        replacing=False,
    )
    over = [_delivery_after_loss(claim, moment) for claim in lost if is_exhausted(claim)]
    if over:
        db.session.connection().execute(_SETTLE_SQL, over)


def next_due(step: int, moment: datetime, retry_after: str | None) -> datetime:
    """When to try again after a failure at ``step``: its delay with up to a tenth more, or twice when asked to wait."""
    slot = retry_delays()[step]
    wait = slot * (1 + random.uniform(0, JITTER))  # noqa: S311 - it spreads load, it guards nothing
    asked = _parse_retry_after(retry_after, moment)
    return moment + (wait if asked is None else min(max(wait, asked), 2 * slot))


def _delivery_after(result: AttemptResult, moment: datetime) -> dict[str, Any]:
    claim, answer = result.claim, result.answer
    facts: dict[str, Any] = {
        "delivery": claim.delivery_id,
        "held": claim.claim_id,
        "claim_id": None,
        "response_status": answer.status,
        "error": _error(result),
        "state": "pending",
        "step": claim.step,
        "due_at": moment,
        "finished_at": None,
    }
    if answer.is_success:
        return facts | {"state": "delivered", "finished_at": moment}
    if claim.is_probe:
        return facts  # it waits with the others; the probe was for the endpoint
    if claim.step >= len(retry_delays()):
        return facts | {"state": "failed", "finished_at": moment, "step": claim.step + 1}
    return facts | {"step": claim.step + 1, "due_at": next_due(claim.step, moment, answer.header("Retry-After"))}


def _delivery_after_loss(claim: Claim, moment: datetime) -> dict[str, Any]:
    return {
        "delivery": claim.delivery_id,
        "held": claim.claim_id,
        "claim_id": None,
        "response_status": None,
        "error": LOST,
        "state": "failed",
        "step": claim.step,
        "due_at": moment,
        "finished_at": moment,
    }


def _attempt_row(result: AttemptResult) -> dict[str, Any]:
    answer = result.answer
    return {
        "delivery_id": result.claim.delivery_id,
        "number": result.claim.attempt,
        "outcome": "delivered" if answer.is_success else "failed",
        "started_at": result.started_at,
        "milliseconds": answer.milliseconds,
        "address": answer.address,
        "url": result.url,
        "request_headers": dict(result.headers),
        "response_status": answer.status,
        "response_headers": answer.headers,
        "response_body": answer.body,
        "error": _error(result),
    }


def _store_attempts(attempts: list[dict[str, Any]], *, replacing: bool = True) -> None:
    """Whoever was believed lost may come back after all: what it saw is better evidence."""
    statement = insert(Attempt)
    names = [name for name in attempts[0] if name not in {"delivery_id", "number"}]
    key = [Attempt.delivery_id, Attempt.number]
    if replacing:
        statement = statement.on_conflict_do_update(
            index_elements=key, set_={name: statement.excluded[name] for name in names}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    db.session.execute(statement.values(attempts))


def _error(result: AttemptResult) -> str | None:
    answer = result.answer
    if answer.is_success or answer.error:
        return answer.error and answer.error[:_MAX_ERROR_LENGTH]
    if 300 <= (answer.status or 0) < 400:  # noqa: PLR2004
        return f"The receiver answered {answer.status}; redirects are not followed."
    return f"The receiver answered {answer.status}."


def _is_slow(result: AttemptResult) -> bool:
    return result.answer.milliseconds > SLOW_MILLISECONDS


def _parse_retry_after(retry_after: str | None, moment: datetime) -> timedelta | None:
    """What ``Retry-After`` says, in seconds or as a date; nonsense says nothing."""
    said = (retry_after or "").strip()
    if said.isascii() and said.isdigit():
        return timedelta(seconds=min(int(said[:9]), 10**8))
    try:
        then = parsedate_to_datetime(said)
        return (then if then.tzinfo else then.replace(tzinfo=UTC)) - moment
    except (ValueError, TypeError, OverflowError):
        return None
