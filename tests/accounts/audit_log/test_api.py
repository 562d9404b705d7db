"""``/api/v1/audit``: positions, filters, scope; nothing is missed while others write."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, text
from sqlalchemy.dialects import postgresql

from app.accounts import audit
from app.accounts.audit_log import entries
from app.accounts.models.accounts import AuditEntry, User
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.pagination import byte_limit
from app.kernel.pagination.walk import Count
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_token, a_user

TRAIL = "/api/v1/audit"


def record(*actions: str, actor: str = "flask", subject: str = "user:77", **details: Any) -> None:
    with unit_of_work():
        for action in actions:
            audit.record(action, actor=actor, subject=subject, **details)


@pytest.fixture
def reader(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    """An administrator; what the sign-in itself recorded is removed."""
    client = client_as("admin")
    with unit_of_work():
        db.session.execute(text("DELETE FROM audit_entries"))
    return client


def read(client: FlaskClient, **query: Any) -> dict[str, Any]:
    answer = client.get(TRAIL, query_string=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def actions(client: FlaskClient, **query: Any) -> list[str]:
    return [entry["action"] for entry in read(client, **query)["data"]]


def test_a_collector_reads_all_entries_in_their_order(reader: FlaskClient) -> None:
    record("a.first", "a.second", "a.third")
    first = read(reader, limit=2)
    assert [(entry["position"], entry["action"]) for entry in first["data"]] == [(1, "a.first"), (2, "a.second")]
    assert first["meta"] == {"next_after": 2, "head": 3}
    rest = read(reader, after=2)
    assert [entry["position"] for entry in rest["data"]] == [3]
    assert rest["meta"] == {"next_after": 3, "head": 3}
    record("a.fourth")
    assert actions(reader, after=3) == ["a.fourth"]
    assert read(reader, after=90)["meta"] == {"next_after": 90, "head": 4}


def test_an_entry_has_all_facts(app: Hub, reader: FlaskClient) -> None:
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": "192.0.2.7"}):
        record("user.role_changed", actor="user:1", before="billing", role="admin")
    [entry] = read(reader)["data"]
    assert entry["details"] == {"before": "billing", "role": "admin"}
    assert (entry["actor"], entry["subject"], entry["address"]) == ("user:1", "user:77", "192.0.2.7")
    assert set(entry) == {
        "position", "id", "created_at", "action", "actor", "subject", "details", "address", "request_id",
    }  # fmt: skip


def test_an_entry_that_commits_late_comes_after_those_that_were_read(reader: FlaskClient) -> None:
    late = db.engine.connect()
    begun = late.begin()
    values = {"action": "a.late", "actor": "flask", "subject": "user:77", "details": {}}
    late.execute(insert(AuditEntry.__table__).values(values))
    record("a.early")
    assert actions(reader) == ["a.early"]
    begun.commit()
    late.close()
    assert actions(reader, after=1) == ["a.late"]


def test_parallel_readers_give_each_position_once(app: Hub, reader: FlaskClient) -> None:
    def work(number: int) -> None:
        with app.app_context():
            for _ in range(20):
                record(f"a.{number}")
                entries.place_entries()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert sorted(db.session.scalars(select(AuditEntry.position))) == list(range(1, 121))


def test_a_long_backlog_is_placed_in_several_batches(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    record(*(f"a.{number}" for number in range(12)))
    monkeypatch.setattr(entries, "BATCH_SIZE", 5)
    assert read(reader)["meta"]["head"] == 12


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"action": "token.created"}, ["token.created"]),
        ({"action": "token.*"}, ["token.created", "token.revoked"]),
        ({"action": "to_en.*"}, []),
        ({"actor": "user:9"}, ["token.revoked"]),
        ({"subject": "token:5"}, ["token.created"]),
        ({"subject": "token:*"}, ["token.created", "token.revoked"]),
        ({"request_id": "unknown"}, []),
        ({"since": "2001-01-01T00:00:00Z", "actor": "user:9"}, ["token.revoked"]),
        ({"until": "2001-01-01T00:00:00Z"}, []),
    ],
)
def test_entries_are_found_by_filters(reader: FlaskClient, query: dict[str, str], found: list[str]) -> None:
    record("token.created", subject="token:5")
    record("token.revoked", actor="user:9", subject="token:55")
    record("user.created")
    assert actions(reader, **query) == found
    assert read(reader, **query)["meta"]["next_after"] == 3


def test_actions_of_a_kind_are_found_by_their_index_whatever_the_kind(app: Hub) -> None:
    """PostgreSQL keeps a plan for all parameters of a prepared statement; for a pattern it would read the whole log."""
    query = entries.source({"action": "token.*"}, scope=None).query.with_only_columns(AuditEntry.id)
    compiled = query.compile(dialect=postgresql.asyncpg.dialect())
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {compiled}").scalars())
    assert re.search(r"Index Cond: .*action.* ~>=~ ", plan), plan


def test_a_page_counts_a_thousand_entries_and_no_more(app: Hub) -> None:
    entry = {"action": "token.created", "actor": "user:1", "subject": "token:1", "details": {}, "request_id": "r"}
    with unit_of_work():
        db.session.execute(insert(AuditEntry), [entry | {"created_at": clock.now()}] * 1001)
    assert entries.source({"action": "token.*"}, scope=None).count() == Count(1000, exact=False)


def test_others_read_what_concerns_them(reader: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
    seller = client_as("integrator")
    seller_id = db.session.scalars(select(User.id).where(User.role == "integrator")).one()
    with unit_of_work():
        token, _ = a_token(a_user())
        own, _ = a_token(db.session.get_one(User, seller_id))
        own_id, other_id = own.id, token.id
        db.session.execute(text("DELETE FROM audit_entries"))
    record("by.me", actor=f"user:{seller_id}")
    record("by.my_token", actor=f"token:{own_id}")
    record("to.me", subject=f"user:{seller_id}")
    record("to.my_token", subject=f"token:{own_id}")
    record("by.other_token", actor=f"token:{other_id}")
    record("to.longer_id", subject=f"user:{seller_id}0")
    record("to.my_einvoice", subject="einvoice:1", owner_id=seller_id)
    record("to.other_einvoice", subject="einvoice:2", owner_id=seller_id + 1)
    assert actions(seller) == ["by.me", "by.my_token", "to.me", "to.my_token", "to.my_einvoice"]
    assert read(seller)["meta"]["next_after"] == 8
    assert len(actions(reader)) == 8


def test_the_ability_is_needed(client_with: Callable[..., FlaskClient]) -> None:
    assert client_with("events:read").get(TRAIL).status_code == 403
    assert client_with("audit:read").get(TRAIL).status_code == 200


def test_a_page_of_large_entries_ends_early(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    record(*("a.large",) * 5, reason="x" * 1000)
    monkeypatch.setattr(byte_limit, "MIB", 100)  # 16 of them: 1,600 bytes
    page = read(reader)
    assert [entry["position"] for entry in page["data"]] == [1, 2]
    assert page["meta"] == {"next_after": 2, "head": 5}


@pytest.mark.parametrize("query", ["after=-1", "limit=0", "limit=501", "since=x", "page=2", "after=x"])
def test_invalid_queries_are_refused(reader: FlaskClient, query: str) -> None:
    assert reader.get(f"{TRAIL}?{query}").status_code == 422


def test_a_period_that_ends_before_it_begins_is_refused(reader: FlaskClient) -> None:
    answer = reader.get(f"{TRAIL}?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["until"])
