"""Roots of days: made once a day is over, chained, and reached by the proof of each record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.pdf import print_job
from app.evidence import roots
from app.evidence.merkle import MerkleTree
from app.evidence.record_bytes import NO_HASH, leaf_hash
from app.extensions import db
from app.kernel import clock, json
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.evidence.chains import chain_of, kinds_of, rows_of
from tests.einvoices.helpers import URL, create_issued, perform
from tests.evidence.test_merkle import walk
from tests.factories import a_user

ROOTS = "/api/v1/evidence/roots"
Days = Callable[[int], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Days:
    """Set the clock some days ahead."""
    real = clock.now
    return lambda days: monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=days))


def read_roots(client: FlaskClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(ROOTS, query_string=query)
    assert answer.status_code == 200, answer.json
    found: list[dict[str, Any]] = answer.json["data"]
    return found


def test_a_day_gets_its_root_once_it_is_over(owner: FlaskClient, later: Days) -> None:
    for _ in range(3):
        create_issued(owner)
    assert (roots.seal_due(), read_roots(owner)) == (0, [])
    later(1)
    assert (roots.seal_due(), roots.seal_due()) == (1, 0)
    [root] = read_roots(owner)
    hashes = [row.hash for row in rows_of(owner.user_id)]
    statement = json.decode(root["statement"])
    assert (root["first"], root["last"], root["root"]) == (1, 4, MerkleTree(hashes).root)
    assert (statement["head"], statement["prev"], root["hash"]) == (
        hashes[-1],
        NO_HASH,
        leaf_hash(root["statement"].encode()),
    )


def test_roots_of_several_days_are_chained(owner: FlaskClient, later: Days) -> None:
    einvoice = create_issued(owner)
    for day, reason in ((1, "first"), (3, "second")):
        later(day)
        perform(owner, create_issued(owner)["id"], "cancel", {"reason": reason})
    later(5)
    assert roots.seal_due() == 3
    first, second, third = read_roots(owner)
    assert [json.decode(each["statement"])["prev"] for each in (first, second, third)] == [
        NO_HASH,
        first["hash"],
        second["hash"],
    ]
    assert [(each["first"], each["last"]) for each in (first, second, third)] == [(1, 2), (3, 4), (5, 6)]
    assert read_roots(owner, after=first["day"], limit=1) == [second]
    assert einvoice["invoice_no"] in chain_of(owner.user_id)[1]["facts"]["invoice_no"]


def test_no_record_gets_a_moment_of_a_day_that_has_its_root(
    owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_issued(owner)
    real, ahead = clock.now, clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: ahead)
    roots.seal_due()
    monkeypatch.setattr(clock, "now", real)  # a process whose clock is late
    create_issued(owner)
    midnight = datetime.combine(ahead.date(), datetime.min.time(), UTC)
    assert chain_of(owner.user_id)[-1]["at"] == clock.iso(midnight)


def test_each_record_of_an_einvoice_has_a_proof(owner: FlaskClient, later: Days) -> None:
    einvoices = [create_issued(owner) for _ in range(3)]
    print_job.print_due()
    later(1)
    roots.seal_due()
    perform(owner, einvoices[1]["id"], "cancel", {"reason": "test"})
    shown = owner.get(f"{URL}/{einvoices[1]['id']}/evidence").json["data"]
    assert [json.decode(each["record"])["kind"] for each in shown] == ["issued", "artefact", "cancelled"]
    assert shown[-1]["proof"] is None
    for each in shown[:2]:
        proof = each["proof"]
        assert each["hash"] == leaf_hash(each["record"].encode())
        assert walk(each["hash"], proof["index"], proof["size"], proof["path"]) == read_roots(owner)[0]["root"]
    rest = owner.get(f"{URL}/{einvoices[1]['id']}/evidence", query_string={"after": shown[0]["position"], "limit": 1})
    assert rest.json["data"] == [shown[1]]


def test_others_read_no_evidence_and_administrators_choose(owner_as: Callable[..., FlaskClient], later: Days) -> None:
    owner, other, admin = owner_as(), owner_as(), owner_as("admin")
    einvoice = create_issued(owner)
    later(1)
    roots.seal_due()
    assert other.get(f"{URL}/{einvoice['id']}/evidence").status_code == 404
    assert other.get(ROOTS, query_string={"owner_id": owner.user_id}).status_code == 404
    assert (read_roots(other), read_roots(admin)) == ([], [])
    assert read_roots(admin, owner_id=owner.user_id) == read_roots(owner) != []
    assert admin.get(ROOTS, query_string={"owner_id": 999_999}).status_code == 404
    assert owner.get(ROOTS, query_string={"after": "yesterday"}).status_code == 422


def test_einvoices_without_a_record_get_one_before_the_day_is_sealed(owner: FlaskClient, later: Days) -> None:
    create_issued(owner)
    late = create_issued(owner)
    with db.engine.begin() as connection:  # as a worker of the release before left it
        connection.exec_driver_sql("DELETE FROM evidence_entries WHERE position = 3")
        connection.exec_driver_sql(
            "UPDATE evidence_chains SET position = 2, hash = (SELECT hash FROM evidence_entries WHERE position = 2)"
        )
    later(1)
    roots.seal_due()
    record = chain_of(owner.user_id)[-1]
    assert (record["kind"], record["einvoice"]) == ("recorded_late", late["id"])
    assert record["facts"]["invoice_no"] == late["invoice_no"]
    assert kinds_of(owner.user_id) == ["begun", "issued", "recorded_late"]


def test_an_owner_without_einvoices_has_no_roots(owner: FlaskClient) -> None:
    with unit_of_work():
        a_user()
    assert (roots.seal_due(), read_roots(owner)) == (0, [])
