"""Months of deliveries: dropped with their attempts as a whole, unless a delivery has to stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from app.accounts import modules
from app.accounts.login import sessions
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel import clock
from app.kernel.database import month_partitions
from app.kernel.database.month_partitions import WIDTH, Partition
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.operations.tasks import make_partitions
from app.webhooks.deliveries import retention
from app.webhooks.models.deliveries import Attempt, Delivery
from app.webhooks.models.endpoints import Endpoint
from tests.factories import a_user
from tests.own_database import partition_names
from tests.webhooks.fixtures import MODULE

#: Deliveries of an endpoint whose sequences are ``first`` to ``last``, each with an attempt.
FILL = text("""
    WITH made AS (
        INSERT INTO webhook_deliveries (endpoint_id, position, event_id, event, subject_id, sequence, state, attempts,
            step, due_at, created_at, finished_at)
        SELECT :endpoint, n, gen_random_uuid(), 'sales.imported', n, n, CAST(:state AS text), 1, 1, :now, :now,
            CASE WHEN CAST(:state AS text) = 'pending' THEN NULL ELSE CAST(:now AS timestamptz) END
        FROM generate_series(CAST(:first AS int), :last) AS n
        RETURNING id
    )
    INSERT INTO webhook_attempts (delivery_id, number, outcome, started_at, url, request_headers)
    SELECT id, 1, 'failed', :now, 'https://example.com', '{}' FROM made
""")


DELIVERIES = "/api/v1/webhooks/deliveries"
pytestmark = pytest.mark.slow
Fill = Callable[..., None]


@pytest.fixture
def endpoint(own_database: Hub) -> Endpoint:
    own_database.config["WEBHOOK_RETENTION"] = timedelta(days=40)
    with unit_of_work():
        owner = a_user(role="integrator")
        row = Endpoint(owner_id=owner.id, url="https://example.com", events=["*"], secret=b"x", status="enabled")
        db.session.add(row)
    return row


@pytest.fixture
def fill(endpoint: Endpoint) -> Fill:
    """Store deliveries in the present month."""
    stored = 0

    def store(count: int, state: str = "delivered") -> None:
        nonlocal stored
        values = {"endpoint": endpoint.id, "state": state, "now": clock.now(), "first": stored + 1}
        with unit_of_work():
            db.session.execute(FILL, {**values, "last": stored + count})
        stored += count

    return store


def begin(month: str) -> str:
    make_partitions.apply()
    return month


def sequences() -> list[int]:
    with unit_of_work():
        attempts = db.session.scalars(select(Attempt.delivery_id).order_by(Attempt.delivery_id)).all()
        rows = db.session.execute(select(Delivery.id, Delivery.sequence).order_by(Delivery.id)).all()
    assert attempts == [row.id for row in rows]
    return [row.sequence for row in rows]


def test_attempts_are_in_the_partition_of_their_deliveries(fill: Fill, months: Callable[[int], str]) -> None:
    fill(1)
    month = begin(months(1))
    fill(1)
    with unit_of_work():
        places = db.session.scalars(text("SELECT tableoid::regclass::text FROM webhook_attempts ORDER BY delivery_id"))
        assert places.all() == ["webhook_attempts_first", f"webhook_attempts_{month}"]


def test_an_expired_month_is_dropped_with_its_attempts(fill: Fill, months: Callable[[int], str]) -> None:
    month = begin(months(1))
    fill(2)
    fill(1, "failed")
    begin(months(2))
    fill(2)
    begin(months(3))
    fill(1, "pending")
    assert retention.purge() == 0
    assert sequences() == [4, 5, 6]
    for table in ("webhook_deliveries", "webhook_attempts"):
        assert not {f"{table}_first", f"{table}_{month}"} & set(partition_names(table))


def test_a_month_that_is_fresh_in_part_stays_whole(fill: Fill, months: Callable[[int], str]) -> None:
    begin(months(1))
    fill(2)
    with unit_of_work():
        earlier = Delivery.created_at - timedelta(days=60)
        db.session.execute(update(Delivery).where(Delivery.sequence == 1).values(created_at=earlier))
    begin(months(2))
    assert retention.purge() == 0
    assert sequences() == [1, 2]


def test_nobody_sends_a_delivery_again_that_is_dropped_then(
    fill: Fill, months: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_with_followers = month_partitions.drop_with_followers
    tried = []

    def drop(partition: Partition) -> bool:
        again = text("UPDATE webhook_deliveries SET state = 'pending', finished_at = NULL")
        with db.engine.connect() as other, pytest.raises(OperationalError, match="lock timeout"):
            other.execute(text("SET lock_timeout = '20ms'"))
            other.execute(again)
        tried.append(partition.name)
        return drop_with_followers(partition)

    fill(1)
    begin(months(1))
    begin(months(3))
    monkeypatch.setattr(month_partitions, "drop_with_followers", drop)
    retention.purge()
    assert (tried[0], sequences()) == ("webhook_deliveries_first", [])


def test_a_month_with_a_waiting_delivery_loses_the_others_in_batches(
    fill: Fill, endpoint: Endpoint, months: Callable[[int], str]
) -> None:
    month = begin(months(1))
    fill(2)
    fill(1, "pending")
    begin(months(2))
    fill(2)
    begin(months(3))
    assert retention.purge() == 2
    assert sequences() == [3, 4, 5]
    assert f"webhook_deliveries_{month}" in partition_names("webhook_deliveries")
    with unit_of_work():
        db.session.execute(update(Endpoint).values(status="disabled"))
    assert retention.purge() == 0
    assert sequences() == [4, 5]
    assert f"webhook_deliveries_{month}" not in partition_names("webhook_deliveries")


def test_deliveries_of_all_months_are_read_and_sent_again_by_their_ids(
    own_database: Hub,
    fill: Fill,
    endpoint: Endpoint,
    months: Callable[[int], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for count in (1, 2):
        fill(2, "failed")
        begin(months(count))
    fill(1, "failed")
    monkeypatch.undo()  # a token of another month is not valid now
    with unit_of_work():
        owner = db.session.get_one(User, endpoint.owner_id)
        modules.enable(owner, MODULE, actor="user:1")
        tokens = sessions.open_session(owner)
    client = own_database.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {tokens['access']}"
    found, cursor = [], None
    for _ in range(5):
        page = client.get(DELIVERIES, query_string={"per_page": 1, **({"cursor": cursor} if cursor else {})}).json
        found += [row["id"] for row in page["data"]]
        cursor = page["meta"]["next_cursor"]
    assert (found, cursor) == ([2 * WIDTH, WIDTH + 1, WIDTH, 2, 1], None)
    for delivery_id in found:
        assert [each["number"] for each in client.get(f"{DELIVERIES}/{delivery_id}").json["attempt_log"]] == [1]
        assert client.post(f"{DELIVERIES}/{delivery_id}/redeliver").status_code == 202


def test_a_number_is_given_once_in_a_month(fill: Fill, endpoint: Endpoint, months: Callable[[int], str]) -> None:
    """Over months, the head of the log and the counter of the endpoint give each number once."""
    begin(months(1))
    fill(1)
    for column in ("position", "sequence"):
        again = text(f"UPDATE webhook_deliveries SET {column} = 1 WHERE sequence = 2 OR position = 2")
        with pytest.raises(IntegrityError, match=f"endpoint_id_{column}"), unit_of_work():
            values = {"endpoint": endpoint.id, "state": "delivered", "now": clock.now(), "first": 2, "last": 2}
            db.session.execute(FILL, values)
            db.session.execute(again)
