"""Lanes of provider accounts: sendings and look-ups are claimed fairly, and a provider that hangs gets few requests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert

from app.einvoices.models.provider_accounts import MAX_CONCURRENCY, ProviderLane
from app.extensions import db
from app.kernel import clock
from app.kernel.worker.celery_app import LEASE
from app.kernel.worker.fair_round import FairRound, Result, RoundLimits
from app.kernel.worker.lane_limits import Lane, share_out
from app.kernel.worker.work_queue import LONGEST_WAIT

#: Lane of the e-invoices without an account; it has the largest concurrency.
INSTALLATION = 0
Purpose = Literal["send", "look_up"]
#: A provider that answers more slowly than this, or not at all, gets one request at a time.
SLOW_SECONDS = 3.0
#: Requests of one process to one host, and for one user: many accounts at providers that hang leave places for others.
PLACES_OF_PARTY = 16
#: Attempts in a row without a clear answer, after which the account gets one request at a time; after which it rests,
#: longer after each further one; and how long it rests at most.
FAILURES_BEFORE_SINGLE, FAILURES_BEFORE_REST, LONGEST_REST = 3, 10, timedelta(minutes=2)
#: Seconds after which the requests of a claim have ended: name resolution, a look-up and a sending, with a reserve.
MAX_REQUEST_SECONDS = 32
#: Work that is due, and accounts that may do it: only a ready account sends, and only what has its legal
#: document; doubts of every account are looked up, and so are the decisions about them.
_CONDITIONS: dict[Purpose, tuple[str, str]] = {
    "send": (
        "s.state = 'pending' AND (s.document_format IS NULL OR s.document_id IS NOT NULL)",
        "a.enabled AND a.test_passed AND a.archived_at IS NULL",
    ),
    "look_up": ("(s.state = 'failed' AND s.in_doubt OR s.check_state = 'open')", "true"),
}
#: Lanes with due work, the longest unserved first; locked, so that limits are exact.
_DUE_LANES_SQL = """
    SELECT l.id, l.booked_until, coalesce(a.concurrency, :most) AS concurrency, a.rate_per_minute,
        l.is_slow OR l.failures >= :failures AS is_single, party.names AS parties
    FROM provider_lanes l LEFT JOIN provider_accounts a ON a.id = l.id
    CROSS JOIN LATERAL (
        SELECT array_remove(
            ARRAY['host ' || substring(a.url FROM '^[a-z]+://([^/?#]+)'), 'user ' || a.owner_id], NULL
        ) AS names
    ) party
    WHERE NOT party.names && :full AND (l.id = 0 OR ({account}))
        AND l.booked_until <= :now AND NOT (:skip_slow AND l.is_slow) AND l.id <> ALL(:excluded) AND EXISTS (
        SELECT FROM e_invoice_sendings s
        WHERE s.lane_id = l.id AND {work} AND NOT (l.id = 0 AND s.provider = ANY(:refused))
            AND (s.due_at <= :now OR s.due_at > :wrong)
    )
    ORDER BY l.served_at
    LIMIT :free
    FOR UPDATE OF l SKIP LOCKED
"""
#: A separate statement, so that it sees the claims of the transaction that held the lane locks before.
_IN_FLIGHT_SQL = text("""
    SELECT lane_id, count(*) FROM e_invoice_sendings
    WHERE state = 'pending' AND claim_id IS NOT NULL AND due_at > :oldest_lease_end AND lane_id = ANY(:lanes)
    GROUP BY lane_id
""").bindparams(bindparam("lanes", type_=ARRAY(BigInteger)))
_MARK_SERVED_SQL = text("""
    UPDATE provider_lanes SET served_at = :now, booked_until = served.booked_until
    FROM unnest(:lanes, :booked) AS served (id, booked_until)
    WHERE provider_lanes.id = served.id
""").bindparams(bindparam("lanes", type_=ARRAY(BigInteger)), bindparam("booked", type_=ARRAY(DateTime(timezone=True))))


@dataclass(frozen=True, slots=True)
class AccountLane(Lane):
    """The lane of an account and its parties, which have limited places: its user, and the host of its provider."""

    parties: Sequence[str]


def ensure(lane_id: int) -> None:
    """Make the lane if it does not exist."""
    db.session.execute(insert(ProviderLane).values(id=lane_id).on_conflict_do_nothing())


def lock(lane_id: int) -> None:
    """Lock a lane until the commit: no sending of it is claimed meanwhile."""
    db.session.execute(select(ProviderLane.id).where(ProviderLane.id == lane_id).with_for_update())


def lock_due(
    purpose: Purpose,
    free: int,
    *,
    skip_slow: bool,
    excluded: Sequence[int],
    running: Mapping[str, int],
    refused: Sequence[str] = (),
) -> Sequence[tuple[AccountLane, int]]:
    """Lock lanes with due work, and return them with how much may be claimed of each.

    Args:
        running: number of running requests of this process by party.
        refused: adapters whose work without an account waits.
    """
    moment, (work, account) = clock.now(), _CONDITIONS[purpose]
    values: dict[str, Any] = {
        "most": MAX_CONCURRENCY,
        "failures": FAILURES_BEFORE_SINGLE,
        "now": moment,
        "wrong": moment + LONGEST_WAIT,
        "skip_slow": skip_slow,
        "excluded": list(excluded),
        "refused": list(refused),
        "full": [party for party, count in running.items() if count >= PLACES_OF_PARTY],
        "free": free,
    }
    statement = text(_DUE_LANES_SQL.format(work=work, account=account))
    kinds = {"excluded": BigInteger, "full": Text, "refused": Text}
    lists: list[Any] = [bindparam(name, type_=ARRAY(kind)) for name, kind in kinds.items()]
    lanes = [AccountLane(**row._mapping) for row in db.session.execute(statement.bindparams(*lists), values)]
    limits = share_out(lanes, _in_flight(lanes, moment), free, moment) if lanes else []
    return list(_within_places(lanes, limits, Counter(running)))


def _mark_served(lanes: Sequence[Lane], claimed: Sequence[int]) -> None:
    """Record that the lanes were served; ``claimed`` has a lane id for each claim."""
    moment, counts = clock.now(), Counter(claimed)
    booked = [lane.booked_after(counts[lane.id], moment) for lane in lanes]
    db.session.execute(_MARK_SERVED_SQL, {"now": moment, "lanes": [lane.id for lane in lanes], "booked": booked})


def record_answer(lane_id: int, seconds: float, *, is_clear: bool) -> None:
    """Record how long the provider took, and whether it gave a clear answer; without one the lane may have to rest."""
    lane = update(ProviderLane).where(ProviderLane.id == lane_id)
    slow = seconds > SLOW_SECONDS
    if is_clear:
        changed = (ProviderLane.failures > 0) | (ProviderLane.is_slow != slow)
        db.session.execute(lane.where(changed).values(failures=0, is_slow=slow))
        return
    failures = db.session.scalar(
        lane.values(failures=ProviderLane.failures + 1, is_slow=slow).returning(ProviderLane.failures)
    )
    if (over := (failures or 0) - FAILURES_BEFORE_REST) >= 0:
        rest = min(timedelta(seconds=2 ** min(over, 10)), LONGEST_REST)
        db.session.execute(lane.values(booked_until=clock.now() + rest))


def _within_places(
    lanes: Sequence[AccountLane], limits: Sequence[int], running: Counter[str]
) -> Iterator[tuple[AccountLane, int]]:
    for lane, limit in zip(lanes, limits, strict=True):
        within = max(0, min([limit, *(PLACES_OF_PARTY - running[party] for party in lane.parties)]))
        running.update(dict.fromkeys(lane.parties, within))
        yield lane, within


def _in_flight(lanes: Sequence[Lane], moment: datetime) -> Mapping[int, int]:
    oldest_lease_end = moment + timedelta(seconds=LEASE - MAX_REQUEST_SECONDS)
    rows = db.session.execute(
        _IN_FLIGHT_SQL, {"oldest_lease_end": oldest_lease_end, "lanes": [lane.id for lane in lanes]}
    )
    return {lane_id: count for lane_id, count in rows}  # noqa: C416 - of rows, typed


class AccountRound(FairRound[Result]):
    """A round whose lanes are accounts; it knows how many of its requests each party has."""

    stores_each = True

    def __init__(self, limits: RoundLimits, pool: ThreadPoolExecutor, wake_up: threading.Event | None = None) -> None:
        super().__init__(limits, pool, wake_up)
        self._parties_by_lane: dict[int, Sequence[str]] = {}

    def running(self) -> Mapping[str, int]:
        """Number of running requests by party."""
        return Counter(party for lane in self.lanes_in_flight for party in self._parties_by_lane[lane])

    def mark_served(self, due: Sequence[tuple[AccountLane, int]], claimed: Sequence[int]) -> None:
        """Record that lanes were served; ``claimed`` has a lane id for each claim."""
        self._parties_by_lane |= {lane.id: lane.parties for lane, _ in due}
        _mark_served([lane for lane, _ in due], claimed)
