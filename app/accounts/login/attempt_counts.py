"""Counts of password attempts in PostgreSQL: exact over all processes, over restarts, and without Redis."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, delete, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.accounts.models.accounts import User
from app.accounts.models.login_attempts import LoginCount, LoginNetwork
from app.extensions import db
from app.kernel import clock

#: A network where the user did not sign in for so long is unknown again.
NETWORK_RETENTION = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``amount`` attempts of ``subject`` in a period of ``seconds``."""

    subject: bytes
    amount: int
    seconds: int

    @property
    def key(self) -> tuple[bytes, int]:
        return self.subject, self.seconds


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A limit that is used up, and when its period ends."""

    limit: Limit
    ends_at: datetime


def subject(*parts: str) -> bytes:
    """Key of what is counted."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).digest()


def count(limits: Sequence[Limit]) -> Exhausted | None:
    """Count an attempt for each limit, in one statement; None if all of them allow it.

    A refused attempt is not counted, so that a flood of them writes nothing.
    """
    if exhausted := _exhausted(limits):
        return exhausted
    # In a fixed order: two requests that lock the same rows must not wait for each other.
    by_key = {limit.key: limit for limit in sorted(limits, key=lambda limit: limit.key)}
    now = clock.now()
    rows = [
        {"subject": key, "seconds": seconds, "attempts": 1, "ends_at": now + timedelta(seconds=seconds)}
        for key, seconds in by_key
    ]
    added = insert(LoginCount).values(rows)
    is_over = not_(_is_running(now))
    statement = added.on_conflict_do_update(
        index_elements=[LoginCount.subject, LoginCount.seconds],
        set_={
            "attempts": case((is_over, 1), else_=LoginCount.attempts + 1),
            "ends_at": case((is_over, added.excluded.ends_at), else_=LoginCount.ends_at),
        },
    ).returning(LoginCount.subject, LoginCount.seconds, LoginCount.attempts, LoginCount.ends_at)
    counted = db.session.execute(statement)
    return _latest(
        Exhausted(by_key[key, seconds], ends_at)
        for key, seconds, attempts, ends_at in counted
        if attempts > by_key[key, seconds].amount
    )


def give_back(limits: Sequence[Limit]) -> None:
    """Remove an attempt from its counts."""
    rows = select(LoginCount.subject, LoginCount.seconds).where(_of(limits))
    for key, seconds in db.session.execute(rows.order_by(LoginCount.subject, LoginCount.seconds).with_for_update()):
        one = update(LoginCount).where(LoginCount.subject == key, LoginCount.seconds == seconds)
        db.session.execute(one.values(attempts=func.greatest(LoginCount.attempts - 1, 0)))


def clear(key: bytes) -> None:
    """Forget all attempts of a subject."""
    db.session.execute(delete(LoginCount).where(LoginCount.subject == key))


def remember_network(user: User, network: str) -> None:
    """Note that ``user`` signed in at ``network``."""
    added = insert(LoginNetwork).values(user_id=user.id, network=network, last_login_at=clock.now())
    latest = {"last_login_at": added.excluded.last_login_at}
    db.session.execute(added.on_conflict_do_update(index_elements=["user_id", "network"], set_=latest))


def is_known_network(email: str, network: str) -> bool:
    """Whether the user with this normalized address signed in at ``network`` lately."""
    if not email.isprintable():  # no user has it, and the database cannot store NUL and lone surrogates
        return False
    recent = LoginNetwork.last_login_at > clock.now() - NETWORK_RETENTION
    found = select(LoginNetwork.user_id).join(User, User.id == LoginNetwork.user_id)
    return db.session.scalar(found.where(User.email == email, LoginNetwork.network == network, recent)) is not None


def _exhausted(limits: Sequence[Limit]) -> Exhausted | None:
    amounts = {limit.key: limit for limit in limits}
    rows = db.session.execute(
        select(LoginCount.subject, LoginCount.seconds, LoginCount.attempts, LoginCount.ends_at).where(
            _of(limits), _is_running(clock.now())
        )
    )
    return _latest(
        Exhausted(amounts[key, seconds], ends_at)
        for key, seconds, attempts, ends_at in rows
        if attempts >= amounts[key, seconds].amount
    )


def _is_running(now: datetime) -> ColumnElement[bool]:
    """Whether a period has not ended; one that ends too late began before the clock was put back."""
    length = func.make_interval(0, 0, 0, 0, 0, 0, LoginCount.seconds)
    return and_(LoginCount.ends_at > now, LoginCount.ends_at <= now + length)


def _latest(exhausted: Iterable[Exhausted]) -> Exhausted | None:
    return max(exhausted, key=lambda one: one.ends_at, default=None)


def _of(limits: Sequence[Limit]) -> ColumnElement[bool]:
    return or_(*(and_(LoginCount.subject == limit.subject, LoginCount.seconds == limit.seconds) for limit in limits))
