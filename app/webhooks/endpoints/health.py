"""Whose endpoints need him: those that are switched off, or have deliveries that failed or are late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, func, or_, select

from app.extensions import db
from app.kernel import clock
from app.webhooks.endpoints.service import Scope
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import Endpoint

#: What was due so long ago is late; whatever is sent at this moment has its due moment before it.
LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An endpoint, how many deliveries it failed to get, and how many are late: tried in vain, or long due."""

    endpoint: Endpoint
    failed: int
    late: int


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """The worst endpoints, how many have a trouble, and how many there are."""

    worst: Sequence[Trouble]
    troubled: int
    all: int


def endpoint_health(scope: Scope, most: int) -> EndpointHealth:
    """How the endpoints of a scope stand; of those in trouble the ``most`` worst, switched-off ones first."""
    has_failed = Delivery.state == "failed"
    is_late = and_(
        Delivery.state == "pending",
        or_(
            Delivery.due_at < clock.now() - LATE,
            Delivery.attempts > 1,
            and_(Delivery.attempts > 0, Delivery.claim_id.is_(None)),  # the first attempt is over, and was in vain
        ),
    )
    counts = (
        select(
            Delivery.endpoint_id,
            func.count().filter(has_failed).label("failed"),
            func.count().filter(is_late).label("late"),
        )
        .where(or_(has_failed, is_late))
        .group_by(Delivery.endpoint_id)
        .subquery()
    )
    failed, late = func.coalesce(counts.c.failed, 0), func.coalesce(counts.c.late, 0)
    mine = [Endpoint.deleted_at.is_(None), *([] if scope is None else [Endpoint.owner_id == scope])]
    is_off = Endpoint.status != "enabled"
    query = (
        select(Endpoint, failed, late, func.count().over())
        .outerjoin(counts, counts.c.endpoint_id == Endpoint.id)
        .where(*mine, or_(is_off, failed + late > 0))
        .order_by(is_off.desc(), (failed + late).desc(), Endpoint.id)
        .limit(most)
    )
    rows = db.session.execute(query).all()
    return EndpointHealth(
        worst=[Trouble(endpoint, failures, delayed) for endpoint, failures, delayed, _ in rows],
        troubled=rows[0][3] if rows else 0,
        all=db.session.scalar(select(func.count()).select_from(Endpoint).where(*mine)) or 0,
    )
