"""Circuit breaker: disables endpoints after failures or 410 Gone, and probes them before sending what waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ARRAY, BigInteger, Integer, and_, bindparam, delete, func, not_, select, text, update

from app.accounts import audit
from app.extensions import db
from app.kernel import clock
from app.kernel.messages import N_
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import AttemptCount, Endpoint
from app.webhooks.sender.attempt import AttemptResult

log = structlog.get_logger(__name__)
#: An endpoint is disabled after so many attempts within the window, when so large a part of them failed.
WINDOW, MIN_ATTEMPTS, FAILURE_RATIO = timedelta(hours=1), 25, 0.8
PROBE_DELAY = timedelta(minutes=15)
HTTP_GONE = 410
ACTOR = "invoice-hub"
_MAX_REASON_LENGTH = 500
_COUNT_ATTEMPTS_SQL = text("""
    INSERT INTO webhook_tallies (endpoint_id, minute, made, failed)
    SELECT endpoint_id, :minute, made, failed
    FROM unnest(:endpoints, :made, :failed) WITH ORDINALITY AS counted (endpoint_id, made, failed, number)
    ORDER BY number
    ON CONFLICT (endpoint_id, minute) DO UPDATE
    SET made = webhook_tallies.made + excluded.made, failed = webhook_tallies.failed + excluded.failed
""").bindparams(
    bindparam("endpoints", type_=ARRAY(BigInteger)),
    bindparam("made", type_=ARRAY(Integer)),
    bindparam("failed", type_=ARRAY(Integer)),
)


def enable(endpoint: Endpoint, *, actor: str, token_id: int | None = None) -> None:
    """Enable an endpoint; if deliveries wait, it is ``probing`` until the first of them has arrived.

    An endpoint of a token gets the rights of ``token_id``, or those of its owner when a person enables it.
    """
    if endpoint.token_id is not None and endpoint.token_id != token_id:
        tokens = {"before": endpoint.token_id, "after": token_id}
        _audit("token_changed", endpoint.id, endpoint.owner_id, actor, **tokens)
        endpoint.token_id = token_id
        db.session.flush()
        db.session.expire(endpoint, ["token_ends_at"])
    if endpoint.status == "enabled":
        return
    endpoint.reason, endpoint.probe_at, endpoint.updated_at = None, None, clock.now()
    endpoint.status = "probing" if _schedule_probe(endpoint.id) else "enabled"
    _audit("enabled", endpoint.id, endpoint.owner_id, actor)


def disable(endpoint: Endpoint, reason: str, *, actor: str) -> None:
    """Disable an endpoint until a person enables it again; deliveries wait."""
    endpoint.status, endpoint.reason = "disabled", reason[:_MAX_REASON_LENGTH]
    endpoint.probe_at, endpoint.updated_at = None, clock.now()
    _audit("disabled", endpoint.id, endpoint.owner_id, actor, reason=reason)


def probe_due() -> int:
    """Probe endpoints that the hub disabled and whose probe is due; return their number."""
    due = select(Endpoint).where(
        Endpoint.status == "disabled", Endpoint.probe_at <= clock.now(), Endpoint.deleted_at.is_(None)
    )
    endpoints = list(db.session.scalars(due.with_for_update(skip_locked=True)))
    for endpoint in endpoints:
        enable(endpoint, actor=ACTOR)
    return len(endpoints)


def evaluate_results(results: Sequence[AttemptResult], moment: datetime) -> None:
    """Count new attempts in the current transaction, and enable or disable their endpoints accordingly."""
    by_endpoint: dict[int, list[AttemptResult]] = defaultdict(list)
    for result in results:
        by_endpoint[result.claim.endpoint_id].append(result)
    _count_attempts(by_endpoint, moment)
    for endpoint_id, made in sorted(by_endpoint.items()):
        _evaluate_endpoint(endpoint_id, made, moment)


def _evaluate_endpoint(endpoint_id: int, made: Sequence[AttemptResult], moment: datetime) -> None:
    if any(result.claim.is_probe and result.response.is_success for result in made):
        owner_id = _change_status(endpoint_id, ("probing",), status="enabled", reason=None, probe_at=None)
        if owner_id is not None:
            _audit("enabled", endpoint_id, owner_id, ACTOR)
    failed = [result for result in made if not result.response.is_success]
    if not failed:
        return
    last = failed[-1].response
    said = last.error or f"it answered {last.status}"
    if any(result.response.status == HTTP_GONE for result in failed):
        _disable_endpoint(
            endpoint_id, reason=N_("The receiver answered 410 Gone: it wants nothing more."), probe_at=None
        )
    elif any(result.claim.is_probe for result in failed):
        _disable_endpoint(endpoint_id, f"The receiver is not back: {said}", moment + PROBE_DELAY, ("probing",))
    elif reason := _failure_reason(endpoint_id, moment, said):
        _disable_endpoint(endpoint_id, reason, moment + PROBE_DELAY)


def _failure_reason(endpoint_id: int, moment: datetime, said: str) -> str | None:
    recent = select(func.sum(AttemptCount.made), func.sum(AttemptCount.failed)).where(
        AttemptCount.endpoint_id == endpoint_id, AttemptCount.minute > moment - WINDOW
    )
    made, failed = db.session.execute(recent).one()
    is_gone = made is not None and made >= MIN_ATTEMPTS and failed >= FAILURE_RATIO * made
    sentence = f"{failed} of {made} attempts within an hour failed; the last one: {said}"
    return sentence if is_gone else None


def _count_attempts(by_endpoint: Mapping[int, Sequence[AttemptResult]], moment: datetime) -> None:
    """Add to the counts of this minute, in the order of the ids: so no two senders wait for each other."""
    minute = moment.replace(second=0, microsecond=0)
    rows = [
        (endpoint_id, len(made), sum(not result.response.is_success for result in made))
        for endpoint_id, made in sorted(by_endpoint.items())
    ]
    endpoints, made, failed = map(list, zip(*rows, strict=True))
    values = {"minute": minute, "endpoints": endpoints, "made": made, "failed": failed}
    db.session.execute(_COUNT_ATTEMPTS_SQL, values)


def _disable_endpoint(
    endpoint_id: int, reason: str, probe_at: datetime | None, from_statuses: Sequence[str] = ("enabled", "probing")
) -> None:
    stored_reason = reason[:_MAX_REASON_LENGTH]
    owner_id = _change_status(endpoint_id, from_statuses, status="disabled", reason=stored_reason, probe_at=probe_at)
    if owner_id is None:
        return
    # Old failures do not count after the endpoint is enabled again.
    db.session.execute(delete(AttemptCount).where(AttemptCount.endpoint_id == endpoint_id))
    _audit("disabled", endpoint_id, owner_id, ACTOR, reason=stored_reason)
    log.warning("webhook_endpoint_disabled", endpoint=endpoint_id, reason=stored_reason)


def _change_status(endpoint_id: int, from_statuses: Sequence[str], **values: Any) -> int | None:
    """Change an endpoint that has one of the statuses; return the id of its owner, or None if it has another one."""
    statement = update(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.status.in_(from_statuses))
    changed = statement.values(**values, updated_at=clock.now()).returning(Endpoint.owner_id)
    owner_id: int | None = db.session.scalar(changed)
    return owner_id


def _schedule_probe(endpoint_id: int) -> bool:
    """Make the oldest waiting delivery due; return whether there is one. A claimed delivery keeps its lease."""
    moment = clock.now()
    is_held = and_(Delivery.claim_id.is_not(None), Delivery.due_at > moment)
    oldest = (
        select(Delivery.id)
        .where(Delivery.endpoint_id == endpoint_id, Delivery.state == "pending", not_(is_held))
        .order_by(Delivery.sequence)
        .limit(1)
        .scalar_subquery()
    )
    ready = update(Delivery).where(Delivery.id == oldest, Delivery.state == "pending")
    due = func.least(Delivery.due_at, moment)
    return bool(db.session.execute(ready.values(due_at=due).returning(Delivery.id)).all())


def _audit(action: str, endpoint_id: int, owner_id: int, actor: str, **details: Any) -> None:
    subject = f"webhook_endpoint:{endpoint_id}"
    audit.record(f"webhook_endpoint.{action}", actor=actor, subject=subject, owner_id=owner_id, **details)
