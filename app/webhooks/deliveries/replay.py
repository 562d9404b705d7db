"""Replay: send one delivery or all since a time again, pull events by position, and reconcile sequences."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, or_, select, text, true

from app.accounts import audit
from app.accounts.ownership import Scope
from app.events import last_position
from app.events.models import Event
from app.extensions import db
from app.kernel import clock
from app.kernel.pagination.byte_limit import fits, fitting_texts, is_last_page
from app.kernel.unit_of_work import after_commit
from app.kernel.worker.celery_app import DebouncedTask
from app.webhooks.deliveries import queries
from app.webhooks.endpoints import service as endpoints
from app.webhooks.errors import OnItsWay, StillWaiting
from app.webhooks.models.deliveries import Delivery

trigger_retries = DebouncedTask("webhooks.send_retries")
MAX_GAPS = 100

#: Oldest first, at a limited rate: each delivery gets its own due time, so no process has to count while it sends.
_RECOVER_SQL = text("""
    UPDATE webhook_deliveries delivery
    SET state = 'pending', step = 0, finished_at = NULL,
        due_at = :now + (chosen.rank - 1) * make_interval(secs => :seconds_each)
    FROM (
        SELECT id, row_number() OVER (ORDER BY sequence) AS rank
        FROM webhook_deliveries
        WHERE endpoint_id = :endpoint AND state = ANY(:states) AND created_at >= :since AND created_at < :until
    ) chosen
    WHERE delivery.id = chosen.id AND delivery.state = ANY(:states)
    RETURNING delivery.due_at
""")
#: Runs of sequences that have not arrived: adjacent sequences have the same difference to their row number.
_GAPS_SQL = text("""
    SELECT min(sequence), max(sequence), count(*) FILTER (WHERE state = 'pending'),
        count(*) FILTER (WHERE state = 'failed'), min(created_at), max(created_at)
    FROM (
        SELECT sequence, state, created_at, sequence - row_number() OVER (ORDER BY sequence) AS run
        FROM webhook_deliveries WHERE endpoint_id = :endpoint AND state IN ('pending', 'failed')
    ) open
    GROUP BY run ORDER BY 1 LIMIT :limit
""")
_COUNTS_SQL = text("""
    SELECT count(*) FILTER (WHERE state = 'delivered') AS delivered,
        count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'failed') AS failed,
        min(sequence) AS kept_from
    FROM webhook_deliveries WHERE endpoint_id = :endpoint
""")


def redeliver(delivery_id: int, scope: Scope, *, actor: str) -> Delivery:
    """Send a delivery again now, with a full round of retries; a delivery that waits for a retry is sent now.

    Raises:
        UnknownDelivery: no delivery in this scope has the id.
        UnknownEndpoint: the endpoint was deleted.
        OnItsWay: the delivery is being sent.
        StillWaiting: the first attempt has not been made yet.
    """
    delivery = queries.find_for_update(delivery_id, scope)
    endpoint = endpoints.find(delivery.endpoint_id, scope)
    if delivery.claim_id is not None and delivery.due_at > clock.now():
        raise OnItsWay
    if delivery.state == "pending" and delivery.attempts == 0:
        raise StillWaiting
    delivery.state, delivery.step, delivery.finished_at, delivery.due_at = "pending", 0, None, clock.now()
    subject = f"webhook_delivery:{delivery.id}"
    audit.record("webhook_delivery.redelivered", actor=actor, subject=subject, owner_id=endpoint.owner_id)
    after_commit(trigger_retries)
    return delivery


def recover_since(endpoint_id: int, data: Mapping[str, Any], scope: Scope, *, actor: str) -> dict[str, Any]:
    """Send all deliveries in ``states`` from ``since`` to ``until`` again, oldest first, at most ``per_minute``.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
    """
    endpoint = endpoints.find_for_update(endpoint_id, scope)
    moment = clock.now()
    due = db.session.scalars(
        _RECOVER_SQL,
        {
            "endpoint": endpoint.id,
            "now": moment,
            "since": data["since"],
            "until": data.get("until") or moment + timedelta(days=1),
            "states": list(data["states"]),
            "seconds_each": 60 / data["per_minute"],
        },
    ).all()
    details = {"since": clock.iso(data["since"]), "states": list(data["states"]), "count": len(due)}
    subject = f"webhook_endpoint:{endpoint.id}"
    audit.record("webhook_endpoint.recovered", actor=actor, subject=subject, owner_id=endpoint.owner_id, **details)
    after_commit(trigger_retries)
    return {"count": len(due), "first_due_at": min(due, default=None), "last_due_at": max(due, default=None)}


def pull(endpoint_id: int, scope: Scope, *, after: int, limit: int, names: Collection[str]) -> dict[str, Any]:
    """Return the deliveries of an endpoint after a position, in order, with the exact bodies, as far as these fit.

    Only events with these ``names`` and within ``scope``: an endpoint may have received others before.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
    """
    endpoint = endpoints.find(endpoint_id, scope)
    head = last_position()  # read before the rows: every event up to this position is visible to the query
    visible = or_(Event.owner_id.is_(None), Event.owner_id == scope)
    page = (
        select(Delivery.id, Delivery.position, Event.body)
        .join(Event, Event.position == Delivery.position)
        .where(Delivery.endpoint_id == endpoint.id, Delivery.position > after, Delivery.position <= head)
        .where(Delivery.event.in_(names), true() if scope is None else visible)
        .order_by(Delivery.position)
        .limit(limit)
        .subquery()
    )
    sized = select(page, *fitting_texts(page.c.position, page.c.body)).subquery()
    query = select(Delivery, sized.c.body, sized.c.found).join(sized, sized.c.id == Delivery.id)
    rows = db.session.execute(query.where(fits(sized.c.before)).order_by(sized.c.position)).all()
    next_after = max(head, after) if is_last_page(rows, limit) else rows[-1][0].position
    return {
        "data": [{**_summary(delivery), "body": msgspec.Raw(body.encode())} for delivery, body, _ in rows],
        "meta": {"next_after": next_after, "head": head, "last_sequence": endpoint.last_sequence},
    }


def reconcile(endpoint_id: int, scope: Scope) -> dict[str, Any]:
    """Count the deliveries of an endpoint by state, and return the runs of sequences that have not arrived.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
    """
    endpoint = endpoints.find(endpoint_id, scope)
    names = ("first", "last", "pending", "failed", "oldest_at", "newest_at")
    rows = db.session.execute(_GAPS_SQL, {"endpoint": endpoint.id, "limit": MAX_GAPS + 1}).all()
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
    """Return the time of the oldest event whose delivery to this endpoint has failed."""
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
