"""How endpoints do at this hour, for whoever runs the hub: those that are off, slow, or failing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from app.extensions import db
from app.kernel import clock
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.endpoints import Endpoint, Lane, Tally
from app.webhooks.sender.circuit_breaker import WINDOW

#: Worst first; whoever has more than these in trouble has a trouble of his own.
MOST = 20


@dataclass(frozen=True, slots=True)
class FailingEndpoint:
    """An endpoint with its attempts of the last hour and what waits for it."""

    endpoint: Endpoint
    is_slow: bool
    made: int
    failed: int
    waiting: int


def failing_endpoints() -> Sequence[FailingEndpoint]:
    """Those that are in trouble, everybody's."""
    made, failed = (func.coalesce(func.sum(number), 0) for number in (Tally.made, Tally.failed))
    query = (
        select(Endpoint, Lane.is_slow, made, failed)
        .join(Lane, Lane.endpoint_id == Endpoint.id)
        .outerjoin(Tally, (Tally.endpoint_id == Endpoint.id) & (Tally.minute > clock.now() - WINDOW))
        .where(Endpoint.deleted_at.is_(None))
        .group_by(Endpoint.id, Lane.is_slow)
        .having(or_(Endpoint.status != "enabled", Lane.is_slow, failed > 0))
        .order_by(failed.desc(), Endpoint.id)
        .limit(MOST)
    )
    rows = db.session.execute(query).all()
    open_ = endpoints.count_open_deliveries([endpoint.id for endpoint, *_ in rows])
    return [FailingEndpoint(endpoint, slow, m, f, open_[endpoint.id]["pending"]) for endpoint, slow, m, f in rows]
