"""Taking deliveries that are due: leased, fenced by a claim, and fairly shared out between endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, text

from app.extensions import db
from app.kernel import clock
from app.kernel.worker.celery_app import HTTP_DEADLINE, LEASE

MODULE = "feature.einvoice_webhooks"
Queue = Literal["first", "retry"]
_CONDITIONS: dict[Queue, str] = {"first": "d.attempts = 0", "retry": "d.attempts > 0"}

#: Endpoints with something due, the longest unserved first; each is held, so that its limits are kept exactly.
_DUE_LANES_SQL = """
    SELECT l.endpoint_id, l.booked_until, l.is_slow, e.concurrency, e.rate_per_minute, e.status
    FROM webhook_lanes l
    JOIN webhook_endpoints e ON e.id = l.endpoint_id AND e.status <> 'disabled' AND e.deleted_at IS NULL
    JOIN users u ON u.id = e.owner_id AND u.is_active
    JOIN module_grants m ON m.user_id = u.id AND m.module = :module AND m.starts_at <= :now AND :now < m.ends_at
    WHERE l.booked_until <= :now AND NOT (:quick AND l.is_slow) AND l.endpoint_id <> ALL(:avoiding) AND EXISTS (
        SELECT FROM webhook_deliveries d
        WHERE d.endpoint_id = l.endpoint_id AND d.state = 'pending' AND {condition} AND d.due_at <= :now
    )
    ORDER BY l.served_at
    LIMIT :free
    FOR UPDATE OF l SKIP LOCKED
"""
#: Seconds after which a claim's request is over, with room for a busy machine: what a lost worker held does not
#: take up its endpoint's places for the rest of the lease.
MAX_REQUEST_SECONDS = HTTP_DEADLINE + 5
#: A statement of its own, so that it sees what the last holder of the lanes claimed.
_IN_FLIGHT_SQL = text("""
    SELECT endpoint_id, count(*) FROM webhook_deliveries
    WHERE claim_id IS NOT NULL AND due_at > :over AND endpoint_id = ANY(:endpoints) GROUP BY endpoint_id
""").bindparams(bindparam("endpoints", type_=ARRAY(BigInteger)))
_CLAIM_SQL = """
    UPDATE webhook_deliveries taken
    SET claim_id = :claim, attempts = taken.attempts + 1, due_at = :lease_ends,
        step = taken.step + CASE WHEN picked.claim_id IS NULL THEN 0 ELSE 1 END
    FROM (
        SELECT due.*, events.body
        FROM unnest(:endpoints, :most) AS lane (endpoint_id, most)
        CROSS JOIN LATERAL (
            SELECT d.id, d.claim_id, d.position FROM webhook_deliveries d
            WHERE d.endpoint_id = lane.endpoint_id AND d.state = 'pending' AND {condition} AND d.due_at <= :now
            ORDER BY d.due_at, d.id LIMIT lane.most
            FOR UPDATE SKIP LOCKED
        ) due
        JOIN events ON events.position = due.position
    ) picked
    WHERE taken.id = picked.id
    RETURNING taken.id AS delivery_id, taken.endpoint_id, taken.event_id, taken.event, taken.position,
        taken.sequence, taken.attempts AS attempt, taken.step, picked.claim_id IS NOT NULL AS was_lost, picked.body,
        taken.claim_id
"""
_MARK_SERVED_SQL = text("""
    UPDATE webhook_lanes SET served_at = :now, booked_until = served.booked_until
    FROM unnest(:endpoints, :booked) AS served (endpoint_id, booked_until)
    WHERE webhook_lanes.endpoint_id = served.endpoint_id
""")


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours until the lease ends; ``was_lost`` when the one before never reported back."""

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


@dataclass(frozen=True, slots=True)
class _Lane:
    endpoint_id: int
    booked_until: datetime
    is_slow: bool
    concurrency: int
    rate_per_minute: int | None
    status: str

    def room(self, in_flight: int, share: int, moment: datetime) -> int:
        """How many it may take now."""
        alone = self.is_slow or self.status == "probing"
        most = min(share, (1 if alone else self.concurrency) - in_flight)
        if self.rate_per_minute is None:
            return most
        # What was not used within the last second may be caught up on; more would be a burst.
        since = min(timedelta(seconds=1), moment - self.booked_until)
        return min(most, 1 + int(since / self._interval))

    @property
    def _interval(self) -> timedelta:
        return timedelta(minutes=1) / (self.rate_per_minute or 1)

    def booked(self, taken: int, moment: datetime) -> datetime:
        if self.rate_per_minute is None:
            return moment
        return max(self.booked_until, moment - timedelta(seconds=1)) + taken * self._interval


def claim_due(queue: Queue, free: int, *, quick: bool, avoiding: Sequence[int] = ()) -> list[Claim]:
    """Take up to ``free`` due deliveries in the present transaction; of ``quick`` endpoints alone, if so wished."""
    if free <= 0:
        return []
    moment = clock.now()
    lanes = _due_lanes(
        queue, {"module": MODULE, "now": moment, "quick": quick, "free": free, "avoiding": list(avoiding)}
    )
    if not lanes:
        return []
    room = _lane_limits(lanes, free, moment)
    claims = _claim_deliveries(queue, lanes, room, moment) if any(room) else []
    _mark_served(lanes, claims, moment)
    return claims


def _due_lanes(queue: Queue, values: Mapping[str, Any]) -> list[_Lane]:
    statement = text(_DUE_LANES_SQL.format(condition=_CONDITIONS[queue]))
    rows = db.session.execute(statement.bindparams(bindparam("avoiding", type_=ARRAY(BigInteger))), values)
    return [_Lane(*row) for row in rows]


def _lane_limits(lanes: Sequence[_Lane], free: int, moment: datetime) -> list[int]:
    over = moment + timedelta(seconds=LEASE - MAX_REQUEST_SECONDS)
    found = db.session.execute(_IN_FLIGHT_SQL, {"over": over, "endpoints": [lane.endpoint_id for lane in lanes]})
    in_flight: dict[int, int] = {endpoint_id: count for endpoint_id, count in found}  # noqa: C416 - of rows, typed
    share = -(-free // len(lanes))
    room = []
    for lane in lanes:
        most = max(0, min(free, lane.room(in_flight.get(lane.endpoint_id, 0), share, moment)))
        room.append(most)
        free -= most
    return room


def _claim_deliveries(queue: Queue, lanes: Sequence[_Lane], room: Sequence[int], moment: datetime) -> list[Claim]:
    statement = text(_CLAIM_SQL.format(condition=_CONDITIONS[queue])).bindparams(
        bindparam("endpoints", type_=ARRAY(BigInteger)), bindparam("most", type_=ARRAY(Integer))
    )
    values: dict[str, Any] = {
        "claim": uuid4(),
        "now": moment,
        "lease_ends": moment + timedelta(seconds=LEASE),
        "endpoints": [lane.endpoint_id for lane in lanes],
        "most": list(room),
    }
    probing = {lane.endpoint_id for lane in lanes if lane.status == "probing"}
    rows = db.session.execute(statement, values)
    return [Claim(**row._mapping, is_probe=row.endpoint_id in probing) for row in rows]


def _mark_served(lanes: Sequence[_Lane], claims: Sequence[Claim], moment: datetime) -> None:
    taken: dict[int, int] = {}
    for claimed in claims:
        taken[claimed.endpoint_id] = taken.get(claimed.endpoint_id, 0) + 1
    booked = [lane.booked(taken.get(lane.endpoint_id, 0), moment) for lane in lanes]
    endpoints = [lane.endpoint_id for lane in lanes]
    db.session.execute(_MARK_SERVED_SQL, {"now": moment, "endpoints": endpoints, "booked": booked})
