"""Numbers without gaps, and the report of the series."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask.testing import FlaskClient

from app.extensions import db
from tests.einvoices.helpers import URL, create_draft, create_issued, perform


def test_a_hundred_parallel_issues_leave_no_gap(owner: FlaskClient) -> None:
    ids = [create_draft(owner)["id"] for _ in range(100)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda i: owner.post(f"{URL}/{i}/issue"), ids))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(int(a.json["invoice_no"][-6:]) for a in answers) == list(range(1, 101))
    by_number = sorted((a.json["invoice_no"], a.json["issued_at"]) for a in answers)
    assert [moment for _, moment in by_number] == sorted(moment for _, moment in by_number)
    [series] = owner.get(f"{URL}/series").json["data"]
    assert (series["first"], series["last"], series["count"], series["gaps"]) == (1, 100, 100, [])


def test_the_series_report_shows_gaps(owner: FlaskClient) -> None:
    ids = [create_issued(owner)["id"] for _ in range(5)]
    with db.engine.begin() as connection:
        for removed in (ids[1], ids[2], ids[4]):
            connection.exec_driver_sql("DELETE FROM e_invoices WHERE id = %s", (removed,))
    perform(owner, ids[0], "cancel", {"reason": "test"})
    [series] = owner.get(f"{URL}/series").json["data"]
    assert series["gaps"] == [{"first": 2, "last": 3}, {"first": 5, "last": 5}]
    assert (series["count"], series["cancelled"], series["last_number"]) == (2, 1, 5)
