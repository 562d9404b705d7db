"""Numbers without gaps, and the report of the series."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from app.einvoices import sellers
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import URL, create_draft, create_issued, perform


@pytest.mark.slow
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


def save(client: FlaskClient, **facts: str) -> None:
    with unit_of_work():
        sellers.save(client.user_id, actor="test", **facts)


@pytest.mark.parametrize(
    ("tax_id", "country", "refused"),
    [
        ("1234567890", "TR", True),
        ("12-34 567890", "TR", True),
        ("1234567890", "DE", False),
        ("1234567891", "TR", False),
    ],
)
def test_two_users_of_one_company_have_series_of_their_own(
    owner_as: Callable[..., FlaskClient], tax_id: str, country: str, refused: bool
) -> None:
    first, second = owner_as(), owner_as()
    save(first, tax_id="1234567890", country="TR")
    number = create_issued(first)["invoice_no"]
    save(first, prefix="NEW")  # its numbers of this year stay used
    if not refused:
        save(second, tax_id=tax_id, country=country)
        assert create_issued(second)["invoice_no"] == number
        return
    for prefix in ("EA", "NEW"):
        with pytest.raises(Invalid) as fault:
            save(second, tax_id=tax_id, country=country, prefix=prefix)
        assert fault.value.errors.keys() == {"prefix"}
    save(second, tax_id=tax_id, country=country, prefix="EB")
    create_issued(second)


def test_an_issue_refuses_the_series_of_another_user(owner_as: Callable[..., FlaskClient]) -> None:
    first, second = owner_as(), owner_as()
    create_issued(first)
    with db.engine.begin() as connection:  # as the release before stored it
        connection.exec_driver_sql("UPDATE seller_profiles SET tax_id = '1'")
    draft = create_draft(second)
    answer = second.post(f"{URL}/{draft['id']}/issue")
    assert (answer.status_code, answer.json["error"]) == (409, "SERIES_TAKEN")
    assert second.get(f"{URL}/{draft['id']}/readiness").json["conflicts"][0]["error"] == "SERIES_TAKEN"
    save(second, prefix="EB")
    perform(second, draft["id"], "issue")
