"""Fan-out: a delivery for each event and subscribed endpoint, in the transaction in which the relay numbers events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, String, Text, bindparam, select, text
from sqlalchemy.orm import load_only

from app import events
from app.accounts.models.accounts import User
from app.accounts.models.tokens import AccessToken
from app.accounts.roles import ROLES
from app.extensions import db
from app.kernel import clock, json
from app.kernel.outbound.public_address import public_url
from app.kernel.unit_of_work import after_commit
from app.kernel.worker.celery_app import DebouncedTask
from app.webhooks.deliveries.thin_body import REFERENCE_FIELDS, thin_body
from app.webhooks.events import TEST
from app.webhooks.models.endpoints import Endpoint

trigger_sender = DebouncedTask("webhooks.send_first", interval=0.02)
MAX_REFERENCE_LENGTH = 100

_INSERT_DELIVERIES_SQL = text("""
    INSERT INTO webhook_deliveries
        (endpoint_id, sequence, reference, thin_body, position, event_id, event, subject_id, created_at, due_at)
    SELECT new.endpoint_id, new.sequence, new.reference, new.thin_body, events.position, events.uuid, events.type,
        events.subject_id, events.created_at, :now
    FROM unnest(:endpoints, :positions, :sequences, :refs, :bodies)
        AS new (endpoint_id, position, sequence, reference, thin_body)
    JOIN events ON events.position = new.position
    ORDER BY new.position, new.endpoint_id
""").bindparams(
    bindparam("endpoints", type_=ARRAY(BigInteger)),
    bindparam("positions", type_=ARRAY(BigInteger)),
    bindparam("sequences", type_=ARRAY(BigInteger)),
    bindparam("refs", type_=ARRAY(String)),
    bindparam("bodies", type_=ARRAY(Text)),
)

#: Locks in the order of the ids.
_STORE_SEQUENCES_SQL = text("""
    WITH present AS (
        SELECT e.id, new.sequence FROM webhook_endpoints e
        JOIN unnest(:endpoints, :sequences) AS new (endpoint_id, sequence) ON new.endpoint_id = e.id
        WHERE e.deleted_at IS NULL ORDER BY e.id FOR UPDATE OF e
    )
    UPDATE webhook_endpoints SET last_sequence = present.sequence FROM present
    WHERE webhook_endpoints.id = present.id RETURNING webhook_endpoints.id
""").bindparams(bindparam("endpoints", type_=ARRAY(BigInteger)), bindparam("sequences", type_=ARRAY(BigInteger)))


@dataclass(slots=True)
class _Subscriber:
    """An endpoint that may receive events; ``sequence`` is its last sequence number."""

    id: int
    owner_id: int
    sees_everything: bool
    event_names: frozenset[str]
    max_body_bytes: int
    sequence: int

    def receives(self, event: Any) -> bool:
        if event.type == TEST.name:
            return bool(event.subject_id == self.id)
        if event.type not in self.event_names:
            return False
        return self.sees_everything or event.owner_id is None or event.owner_id == self.owner_id


def create_deliveries(batch: events.Batch) -> None:
    """Insert the deliveries of a batch, in the transaction that stores the positions of its events.

    Disabled endpoints get deliveries too; these wait. The relay holds a lock on the head of the log, so no other
    process writes sequences at the same time.
    """
    if not batch.events:
        return
    rows = list(_delivery_rows(batch, _subscribers()))
    if not rows:
        return
    existing = _store_sequences({endpoint_id: sequence for endpoint_id, _, sequence, _, _ in rows})
    rows = [row for row in rows if row[0] in existing]
    if not rows:
        return
    names = ("endpoints", "positions", "sequences", "refs", "bodies")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    db.session.execute(_INSERT_DELIVERIES_SQL, {**columns, "now": clock.now()})
    after_commit(trigger_sender)


def _subscribers() -> list[_Subscriber]:
    query = (
        select(Endpoint, User.role, AccessToken.abilities)
        .join(User, User.id == Endpoint.owner_id)
        .outerjoin(AccessToken, AccessToken.id == Endpoint.token_id)
        .where(Endpoint.deleted_at.is_(None))
        .options(load_only(Endpoint.owner_id, Endpoint.events, Endpoint.max_body_bytes, Endpoint.last_sequence))
        .execution_options(populate_existing=True)
    )
    return [
        _Subscriber(
            id=endpoint.id,
            owner_id=endpoint.owner_id,
            sees_everything=role == "admin",
            event_names=_received_events(endpoint.events, role, granted),
            max_body_bytes=endpoint.max_body_bytes,
            sequence=endpoint.last_sequence,
        )
        for endpoint, role, granted in db.session.execute(query)
    ]


def _received_events(patterns: Sequence[str], role: str, granted: Sequence[str] | None) -> frozenset[str]:
    """Events of ``patterns`` that the owner, and the token of the endpoint if it has one, may read."""
    abilities = ROLES[role] if granted is None else ROLES[role].intersection(granted)
    return frozenset(events.matching(patterns)).intersection(events.readable(abilities))


def _delivery_rows(
    batch: events.Batch, subscribers: Sequence[_Subscriber]
) -> Iterator[tuple[int, int, int, str | None, str | None]]:
    for event in batch.events:
        receivers = [subscriber for subscriber in subscribers if subscriber.receives(event)]
        if not receivers:
            continue
        reference, size = _reference(event.body), len(event.body.encode())
        limits = {subscriber.max_body_bytes for subscriber in receivers if subscriber.max_body_bytes < size}
        thin = {limit: thin_body(event.body, event.position, limit, public_url("")) for limit in limits}
        for subscriber in receivers:
            subscriber.sequence += 1
            yield subscriber.id, event.position, subscriber.sequence, reference, thin.get(subscriber.max_body_bytes)


def _store_sequences(sequences: Mapping[int, int]) -> set[int]:
    """Store the last sequence of each endpoint; return those that still exist, for one may be deleted meanwhile."""
    values = {"endpoints": list(sequences), "sequences": list(sequences.values())}
    return set(db.session.scalars(_STORE_SEQUENCES_SQL, values))


def _reference(body: str) -> str | None:
    """Return the invoice or receipt number in the body of an event, if it has one."""
    for value in json.decode(body)["data"].values():
        for name in REFERENCE_FIELDS:
            number = value.get(name) if isinstance(value, dict) else None
            if isinstance(number, str) and number:
                return number[:MAX_REFERENCE_LENGTH]
    return None
