"""Sending again: one delivery, or all since a moment; and what a receiver missed, for it to fetch itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select, text

from app.accounts import audit
from app.events import last_position
from app.events.models import Event
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import after_commit
from app.kernel.worker.celery_app import DebouncedTask
from app.webhooks.deliveries import queries
from app.webhooks.endpoints import service as endpoints
from app.webhooks.errors import OnItsWay, StillWaiting
from app.webhooks.models.deliveries import Delivery

trigger_retries = DebouncedTask("webhooks.send_retries")
MAX_GAPS = 100

#: Oldest first, at a bounded rate: each gets its own moment, so nothing has to keep count while it runs.
_RECOVER_SQL = text("""
    UPDATE webhook_deliveries again
    SET state = 'pending', step = 0, finished_at = NULL,
        due_at = :now + (chosen.rank - 1) * make_interval(secs => :seconds_each)
    FROM (
        SELECT id, row_number() OVER (ORDER BY sequence) AS rank
        FROM webhook_deliveries
        WHERE endpoint_id = :endpoint AND state = ANY(:states) AND created_at >= :since AND created_at < :until
    ) chosen
    WHERE again.id = chosen.id AND again.state = ANY(:states)
    RETURNING again.due_at
""")
#: Runs of sequences that have not arrived: those that share their distance to their rank stand side by side.
_GAPS_SQL = text("""
    SELECT min(sequence), max(sequence), count(*) FILTER (WHERE state = 'pending'),
        count(*) FILTER (WHERE state = 'failed'), min(created_at), max(created_at)
    FROM (
        SELECT sequence, state, created_at, sequence - row_number() OVER (ORDER BY sequence) AS run
        FROM webhook_deliveries WHERE endpoint_id = :endpoint AND state IN ('pending', 'failed')
    ) open
    GROUP BY run ORDER BY 1 LIMIT :most
""")
_COUNTS_SQL = text("""
    SELECT count(*) FILTER (WHERE state = 'delivered') AS delivered,
        count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'failed') AS failed,
        min(sequence) AS kept_from
    FROM webhook_deliveries WHERE endpoint_id = :endpoint
""")


def redeliver(delivery_id: int, scope: endpoints.Scope, *, actor: str) -> Delivery:
    """Send one delivery again, now, with a full round of retries; of one that waits for its retry, the retry.

    Raises:
        UnknownDelivery: there is none, or not for this caller.
        UnknownEndpoint: its endpoint was deleted.
        OnItsWay: it is being sent.
        StillWaiting: it has not been tried at all yet.
    """
    delivery = queries.find_for_update(delivery_id, scope)
    endpoints.find(delivery.endpoint_id, scope)
    if delivery.claim_id is not None and delivery.due_at > clock.now():
        raise OnItsWay
    if delivery.state == "pending" and delivery.attempts == 0:
        raise StillWaiting
    delivery.state, delivery.step, delivery.finished_at, delivery.due_at = "pending", 0, None, clock.now()
    audit.record("webhook_delivery.redelivered", actor=actor, subject=f"webhook_delivery:{delivery.id}")
    after_commit(trigger_retries)
    return delivery


def recover_since(endpoint_id: int, wanted: Mapping[str, Any], scope: endpoints.Scope, *, actor: str) -> dict[str, Any]:
    """Send all deliveries of ``states`` from ``since`` to ``until`` again, oldest first, at most ``per_minute``.

    Raises:
        UnknownEndpoint: there is none, or not for this caller.
    """
    endpoint = endpoints.find_for_update(endpoint_id, scope)
    moment = clock.now()
    due = db.session.scalars(
        _RECOVER_SQL,
        {
            "endpoint": endpoint.id,
            "now": moment,
            "since": wanted["since"],
            "until": wanted.get("until") or moment + timedelta(days=1),
            "states": list(wanted["states"]),
            "seconds_each": 60 / wanted["per_minute"],
        },
    ).all()
    details = {"since": clock.iso(wanted["since"]), "states": list(wanted["states"]), "count": len(due)}
    audit.record("webhook_endpoint.recovered", actor=actor, subject=f"webhook_endpoint:{endpoint.id}", **details)
    after_commit(trigger_retries)
    return {"count": len(due), "first_due_at": min(due, default=None), "last_due_at": max(due, default=None)}


def pull(endpoint_id: int, scope: endpoints.Scope, *, after: int, limit: int) -> dict[str, Any]:
    """What this endpoint was or will be told behind a position, in order, with the bodies as they are sent.

    Raises:
        UnknownEndpoint: there is none, or not for this caller.
    """
    endpoint = endpoints.find(endpoint_id, scope)
    newest = last_position()  # before the rows: all up to here is there to be seen
    query = (
        select(Delivery, Event.body)
        .join(Event, Event.position == Delivery.position)
        .where(Delivery.endpoint_id == endpoint.id, Delivery.position > after, Delivery.position <= newest)
        .order_by(Delivery.position)
        .limit(limit)
    )
    rows = db.session.execute(query).all()
    following = rows[-1][0].position if len(rows) == limit else max(newest, after)
    return {
        "data": [{**_summary(delivery), "body": msgspec.Raw(body.encode())} for delivery, body in rows],
        "meta": {"next_after": following, "head": newest, "last_sequence": endpoint.last_sequence},
    }


def reconcile(endpoint_id: int, scope: endpoints.Scope) -> dict[str, Any]:
    """What has arrived, and the runs of sequences that have not.

    Raises:
        UnknownEndpoint: there is none, or not for this caller.
    """
    endpoint = endpoints.find(endpoint_id, scope)
    names = ("first", "last", "pending", "failed", "oldest_at", "newest_at")
    rows = db.session.execute(_GAPS_SQL, {"endpoint": endpoint.id, "most": MAX_GAPS + 1}).all()
    gaps = [dict(zip(names, row, strict=True)) for row in rows]
    counts = db.session.execute(_COUNTS_SQL, {"endpoint": endpoint.id}).one()._asdict()
    return {
        "endpoint_id": endpoint.id,
        "status": endpoint.status,
        "last_sequence": endpoint.last_sequence,
        "complete_through": gaps[0]["first"] - 1 if gaps else endpoint.last_sequence,
        **counts,
        "gaps": gaps[:MAX_GAPS],
        "more_gaps": len(gaps) > MAX_GAPS,
    }


def oldest_failure(endpoint_id: int) -> datetime | None:
    """When the oldest event happened that this endpoint has failed to get."""
    query = select(func.min(Delivery.created_at)).where(Delivery.endpoint_id == endpoint_id, Delivery.state == "failed")
    moment: datetime | None = db.session.scalar(query)
    return moment


def _summary(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.id,
        "sequence": delivery.sequence,
        "position": delivery.position,
        "state": delivery.state,
        "attempts": delivery.attempts,
    }
