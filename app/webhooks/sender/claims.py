"""Claims on due deliveries: leased, identified by a claim id, and divided fairly between endpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, Integer, TextClause, bindparam, text

from app.accounts.roles import ROLES
from app.extensions import db
from app.kernel import clock
from app.kernel.worker.celery_app import HTTP_DEADLINE, LEASE
from app.kernel.worker.lane_limits import Lane, share_out

MODULE = "feature.einvoice_webhooks"
Queue = Literal["first", "retry"]
#: Roles that may have endpoints; after a change to another role the endpoints of a user wait.
_MANAGING_ROLES = [role for role, abilities in ROLES.items() if "webhooks:manage" in abilities]
_CONDITIONS: dict[Queue, str] = {"first": "d.attempts = 0", "retry": "d.attempts > 0"}

#: Lanes of endpoints with a due delivery, the longest unserved first; locked, so that limits are exact.
_DUE_LANES_SQL = """
    SELECT l.endpoint_id AS id, l.booked_until, e.concurrency, e.rate_per_minute,
        l.is_slow, l.is_slow OR e.status = 'probing' AS is_single, e.status = 'probing' AS is_probing,
        CASE WHEN u.role <> 'admin' THEN u.id END AS only_owner_id
    FROM webhook_lanes l
    JOIN webhook_endpoints e ON e.id = l.endpoint_id AND e.status <> 'disabled' AND e.deleted_at IS NULL
    JOIN users u ON u.id = e.owner_id AND u.is_active AND u.role = ANY(:managing_roles)
    LEFT JOIN access_tokens t ON t.id = e.token_id
    JOIN module_grants m ON m.user_id = u.id AND m.module = :module AND m.starts_at <= :now AND :now < m.ends_at
    WHERE (e.token_id IS NULL OR (t.revoked_at IS NULL AND t.expires_at > :now))
        AND l.booked_until <= :now AND NOT (:skip_slow AND l.is_slow) AND l.endpoint_id <> ALL(:excluded) AND EXISTS (
        SELECT FROM webhook_deliveries d
        WHERE d.endpoint_id = l.endpoint_id AND d.state = 'pending' AND {condition} AND d.due_at <= :now
    )
    ORDER BY l.served_at
    LIMIT :free
    FOR UPDATE OF l SKIP LOCKED
"""
#: Seconds after which the request of a claim has ended, with a reserve for a busy machine. Older claims belong to lost
#: workers and no longer count towards the concurrency of their endpoint.
MAX_REQUEST_SECONDS = HTTP_DEADLINE + 5
#: A separate statement, so that it sees the claims of the transaction that held the lane locks before.
_IN_FLIGHT_SQL = text("""
    SELECT endpoint_id, count(*) FROM webhook_deliveries
    WHERE claim_id IS NOT NULL AND due_at > :oldest_lease_end AND endpoint_id = ANY(:endpoints) GROUP BY endpoint_id
""").bindparams(bindparam("endpoints", type_=ARRAY(BigInteger)))
_CLAIM_SQL = """
    UPDATE webhook_deliveries delivery
    SET claim_id = :claim, attempts = delivery.attempts + 1, due_at = :lease_ends,
        step = delivery.step + CASE WHEN due.claim_id IS NULL THEN 0 ELSE 1 END
    FROM (
        SELECT candidate.*, coalesce(candidate.thin_body, events.body) AS body
        FROM unnest(:endpoints, :limits, :only_owners) AS lane (endpoint_id, max_claims, only_owner_id)
        CROSS JOIN LATERAL (
            SELECT d.id, d.claim_id, d.position, d.thin_body FROM webhook_deliveries d
            WHERE d.endpoint_id = lane.endpoint_id AND d.state = 'pending' AND {condition} AND d.due_at <= :now
                AND (lane.only_owner_id IS NULL OR EXISTS (
                    SELECT FROM events e WHERE e.position = d.position
                        AND (e.owner_id IS NULL OR e.owner_id = lane.only_owner_id)
                ))
            ORDER BY d.due_at, d.id LIMIT lane.max_claims
            FOR UPDATE SKIP LOCKED
        ) candidate
        JOIN events ON events.position = candidate.position
    ) due
    WHERE delivery.id = due.id
    RETURNING delivery.id AS delivery_id, delivery.endpoint_id, delivery.event_id, delivery.event, delivery.position,
        delivery.sequence, delivery.attempts AS attempt, delivery.step, due.claim_id IS NOT NULL AS was_lost, due.body,
        delivery.claim_id
"""
_MARK_SERVED_SQL = text("""
    UPDATE webhook_lanes SET served_at = :now, booked_until = served.booked_until
    FROM unnest(:endpoints, :booked) AS served (endpoint_id, booked_until)
    WHERE webhook_lanes.endpoint_id = served.endpoint_id
""")


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker holds until the lease ends; ``was_lost``: the previous claim had no result."""

    delivery_id: int
    endpoint_id: int
    event_id: UUID
    event: str
    position: int
    sequence: int
    attempt: int
    step: int
    was_lost: bool
    body: str
    claim_id: UUID
    is_probe: bool
    #: Whether its endpoint was slow at the time of the claim.
    was_slow: bool


@dataclass(frozen=True, slots=True)
class _EndpointLane(Lane):
    """The lane of an endpoint."""

    is_slow: bool
    is_probing: bool
    #: Other users' rows are not sent for this owner, who may have been an admin when they were due; None for admins.
    only_owner_id: int | None


def claim_due(queue: Queue, free: int, *, skip_slow: bool, excluded: Sequence[int] = ()) -> list[Claim]:
    """Claim up to ``free`` due deliveries in the current transaction.

    ``skip_slow`` leaves out slow endpoints; ``excluded`` lists the ids of other endpoints to leave out.
    """
    if free <= 0:
        return []
    moment = clock.now()
    lanes = _due_lanes(
        queue,
        {
            "module": MODULE,
            "managing_roles": _MANAGING_ROLES,
            "now": moment,
            "skip_slow": skip_slow,
            "free": free,
            "excluded": list(excluded),
        },
    )
    if not lanes:
        return []
    limits = _lane_limits(lanes, free, moment)
    claims = _claim_deliveries(queue, lanes, limits, moment) if any(limits) else []
    _mark_served(lanes, claims, moment)
    return claims


def _due_lanes(queue: Queue, values: Mapping[str, Any]) -> list[_EndpointLane]:
    return [_EndpointLane(**row._mapping) for row in db.session.execute(_due_lanes_statement(queue), values)]


@cache
def _due_lanes_statement(queue: Queue) -> TextClause:
    statement = text(_DUE_LANES_SQL.format(condition=_CONDITIONS[queue]))
    return statement.bindparams(bindparam("excluded", type_=ARRAY(BigInteger)))


def _lane_limits(lanes: Sequence[_EndpointLane], free: int, moment: datetime) -> list[int]:
    oldest_lease_end = moment + timedelta(seconds=LEASE - MAX_REQUEST_SECONDS)
    endpoints = [lane.id for lane in lanes]
    rows = db.session.execute(_IN_FLIGHT_SQL, {"oldest_lease_end": oldest_lease_end, "endpoints": endpoints})
    in_flight: dict[int, int] = {endpoint_id: count for endpoint_id, count in rows}  # noqa: C416 - of rows, typed
    return share_out(lanes, in_flight, free, moment)


def _claim_deliveries(
    queue: Queue, lanes: Sequence[_EndpointLane], limits: Sequence[int], moment: datetime
) -> list[Claim]:
    values: dict[str, Any] = {
        "claim": uuid4(),
        "now": moment,
        "lease_ends": moment + timedelta(seconds=LEASE),
        "endpoints": [lane.id for lane in lanes],
        "limits": list(limits),
        "only_owners": [lane.only_owner_id for lane in lanes],
    }
    lane_of = {lane.id: lane for lane in lanes}
    return [
        Claim(**row._mapping, is_probe=lane_of[row.endpoint_id].is_probing, was_slow=lane_of[row.endpoint_id].is_slow)
        for row in db.session.execute(_claim_statement(queue), values)
    ]


@cache
def _claim_statement(queue: Queue) -> TextClause:
    return text(_CLAIM_SQL.format(condition=_CONDITIONS[queue])).bindparams(
        bindparam("endpoints", type_=ARRAY(BigInteger)),
        bindparam("limits", type_=ARRAY(Integer)),
        bindparam("only_owners", type_=ARRAY(BigInteger)),
    )


def _mark_served(lanes: Sequence[_EndpointLane], claims: Sequence[Claim], moment: datetime) -> None:
    counts = Counter(claim.endpoint_id for claim in claims)
    booked = [lane.booked_after(counts[lane.id], moment) for lane in lanes]
    endpoints = [lane.id for lane in lanes]
    db.session.execute(_MARK_SERVED_SQL, {"now": moment, "endpoints": endpoints, "booked": booked})
