"""Health of endpoints: those that need attention (disabled, failing or late), for their owners and for operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Subquery, and_, func, or_, select

from app.accounts.ownership import Scope
from app.extensions import db
from app.kernel import clock
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import AttemptCount, Endpoint, Lane
from app.webhooks.sender.circuit_breaker import WINDOW

#: A delivery is late this long after its due time. One that is being sent is also past its due time, but for less.
LATE = timedelta(minutes=5)
MAX_FAILING_ENDPOINTS = 20


@dataclass(frozen=True, slots=True)
class UnhealthyEndpoint:
    """An endpoint with its number of failed deliveries and of late ones (a first attempt failed, or long overdue)."""

    endpoint: Endpoint
    failed: int
    late: int


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """The worst endpoints, the number of all unhealthy ones, and the number of all endpoints."""

    worst: Sequence[UnhealthyEndpoint]
    unhealthy: int
    total: int


@dataclass(frozen=True, slots=True)
class FailingEndpoint:
    """An endpoint with its attempts of the last hour and its number of waiting deliveries."""

    endpoint: Endpoint
    is_slow: bool
    made: int
    failed: int
    waiting: int


def endpoint_health(scope: Scope, limit: int) -> EndpointHealth:
    """Health of the endpoints of a scope, with the ``limit`` worst: disabled ones first, then by open deliveries."""
    counts = _problem_counts()
    failed, late = func.coalesce(counts.c.failed, 0), func.coalesce(counts.c.late, 0)
    in_scope = [Endpoint.deleted_at.is_(None), *([] if scope is None else [Endpoint.owner_id == scope])]
    is_off = or_(Endpoint.status != "enabled", func.coalesce(Endpoint.token_ends_at <= clock.now(), False))
    query = (
        select(Endpoint, failed, late, func.count().over())
        .outerjoin(counts, counts.c.endpoint_id == Endpoint.id)
        .where(*in_scope, or_(is_off, failed + late > 0))
        .order_by(is_off.desc(), (failed + late).desc(), Endpoint.id)
        .limit(limit)
    )
    rows = db.session.execute(query).all()
    return EndpointHealth(
        worst=[UnhealthyEndpoint(endpoint, failures, delayed) for endpoint, failures, delayed, _ in rows],
        unhealthy=rows[0][3] if rows else 0,
        total=db.session.scalar(select(func.count()).select_from(Endpoint).where(*in_scope)) or 0,
    )


def failing_endpoints() -> Sequence[FailingEndpoint]:
    """Endpoints of all owners that are disabled, slow, or had a failed attempt within the last hour; worst first."""
    made, failed = (func.coalesce(func.sum(number), 0) for number in (AttemptCount.made, AttemptCount.failed))
    query = (
        select(Endpoint, Lane.is_slow, made, failed)
        .join(Lane, Lane.endpoint_id == Endpoint.id)
        .outerjoin(
            AttemptCount, (AttemptCount.endpoint_id == Endpoint.id) & (AttemptCount.minute > clock.now() - WINDOW)
        )
        .where(Endpoint.deleted_at.is_(None))
        .group_by(Endpoint.id, Lane.is_slow)
        .having(or_(Endpoint.status != "enabled", Lane.is_slow, failed > 0))
        .order_by(failed.desc(), Endpoint.id)
        .limit(MAX_FAILING_ENDPOINTS)
    )
    rows = db.session.execute(query).all()
    open_counts = endpoints.count_open_deliveries([endpoint.id for endpoint, *_ in rows])
    return [
        FailingEndpoint(endpoint, is_slow, attempts, failures, open_counts[endpoint.id]["pending"])
        for endpoint, is_slow, attempts, failures in rows
    ]


def _problem_counts() -> Subquery:
    """Failed and late deliveries of each endpoint."""
    has_failed, is_late = Delivery.state == "failed", _is_late()
    return (
        select(
            Delivery.endpoint_id,
            func.count().filter(has_failed).label("failed"),
            func.count().filter(is_late).label("late"),
        )
        .where(or_(has_failed, is_late))
        .group_by(Delivery.endpoint_id)
        .subquery()
    )


def _is_late() -> ColumnElement[bool]:
    return and_(
        Delivery.state == "pending",
        or_(
            Delivery.due_at < clock.now() - LATE,
            Delivery.attempts > 1,
            and_(Delivery.attempts > 0, Delivery.claim_id.is_(None)),  # the first attempt has ended without success
        ),
    )
