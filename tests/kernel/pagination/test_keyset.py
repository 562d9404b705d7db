"""Lists: page numbers, cursors that are stable while rows arrive, and links to other pages."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.invoices import Customer, SalesInvoice

LIST = "/api/sales/invoices/"


@pytest.fixture
def twenty_five(app: Any) -> None:
    store(range(1, 26))


def store(numbers: Any) -> None:
    with unit_of_work():
        customer = db.session.get(Customer, 1) or Customer(code="C", name="C")
        db.session.add(customer)
        db.session.flush()
        rows = [
            {
                "invoice_no": f"N-{number}",
                "invoice_date": "2025-01-18",
                "customer_id": customer.id,
                "priority": "LOW" if number % 2 else "HIGH",
                "total_amount": number,
            }
            for number in numbers
        ]
        db.session.execute(insert(SalesInvoice.__table__), rows)


def numbers(answer: Any) -> list[str]:
    return [row["invoice_no"] for row in answer.json["results"]]


def named(first: int, last: int) -> list[str]:
    return [f"N-{number}" for number in range(first, last - 1, -1)]


@pytest.mark.usefixtures("twenty_five")
class TestByNumber:
    def test_the_first_page_links_to_the_next(self, erp: FlaskClient) -> None:
        answer = erp.get(LIST)
        assert answer.json["count"] == 25
        assert numbers(answer) == named(25, 6)
        assert answer.json["previous"] is None
        assert numbers(erp.get(answer.json["next"])) == named(5, 1)

    def test_the_last_page_links_to_the_previous(self, erp: FlaskClient) -> None:
        answer = erp.get(LIST, query_string={"page": 3, "page_size": 10})
        assert numbers(answer) == named(5, 1)
        assert answer.json["next"] is None
        assert numbers(erp.get(answer.json["previous"])) == named(15, 6)

    def test_a_page_after_the_last_is_empty(self, erp: FlaskClient) -> None:
        answer = erp.get(LIST, query_string={"page": 4, "page_size": 10})
        assert (answer.json["results"], answer.json["next"]) == ([], None)

    def test_links_keep_the_filters(self, erp: FlaskClient) -> None:
        query = [("status", "INVOICED"), ("status", "PICKING"), ("priority", "LOW"), ("page_size", "5")]
        answer = erp.get(LIST, query_string=query)
        assert answer.json["count"] == 13
        second = erp.get(answer.json["next"])
        assert numbers(answer) + numbers(second) == named(25, 1)[::2][:10]

    @pytest.mark.parametrize(
        "query",
        [
            {"page": "0"},
            {"page": "-1"},
            {"page": "100001"},
            {"page": "x"},
            {"page": "1.5"},
            {"page": "9" * 5000},
            {"page_size": "0"},
            {"page_size": "101"},
        ],
    )
    def test_page_numbers_and_sizes_have_bounds(self, erp: FlaskClient, query: dict[str, str]) -> None:
        answer = erp.get(LIST, query_string=query)
        assert answer.status_code == 400
        assert list(answer.json["errors"]) == list(query)


@pytest.mark.usefixtures("twenty_five")
class TestByCursor:
    def walk(self, client: FlaskClient, path: str) -> Any:
        while path:
            answer = client.get(path)
            yield numbers(answer)
            path = answer.json["next"]

    def test_returns_every_row_once(self, erp: FlaskClient) -> None:
        pages = list(self.walk(erp, f"{LIST}?cursor=&page_size=10"))
        assert pages == [named(25, 16), named(15, 6), named(5, 1)]

    def test_a_last_page_of_full_size_has_no_next(self, erp: FlaskClient) -> None:
        assert len(list(self.walk(erp, f"{LIST}?cursor=&page_size=25"))) == 1

    def test_new_rows_do_not_shift_the_pages(self, erp: FlaskClient) -> None:
        walked = self.walk(erp, f"{LIST}?cursor=&page_size=10")
        seen = next(walked)
        store(range(26, 40))
        assert [*seen, *(number for page in walked for number in page)] == named(25, 1)

    def test_nothing_is_counted(self, erp: FlaskClient) -> None:
        answer = erp.get(LIST, query_string={"cursor": "", "page_size": "10"})
        assert answer.json["count"] is None
        assert answer.json["previous"] is None

    def test_links_keep_the_filters(self, erp: FlaskClient) -> None:
        pages = list(self.walk(erp, f"{LIST}?cursor=&page_size=10&priority=HIGH"))
        assert [len(page) for page in pages] == [10, 2]

    @pytest.mark.parametrize("cursor", ["x", "!!!", "é", "LTE", "MA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "\0", "a" * 3000])
    def test_another_cursor_is_refused(self, erp: FlaskClient, cursor: str) -> None:
        answer = erp.get(LIST, query_string={"cursor": cursor})
        assert answer.status_code == 400
        assert answer.json["errors"] == {"cursor": ["Not a cursor of this list."]}


def test_a_misspelt_filter_is_refused_by_name(erp: FlaskClient) -> None:
    answer = erp.get(LIST, query_string={"statsu": "PICKING"})
    assert answer.status_code == 400
    assert answer.json["errors"] == {"statsu": ["Unknown field."]}


def test_a_filter_sent_twice_is_refused_where_one_would_be_ignored(erp: FlaskClient) -> None:
    answer = erp.get(f"{LIST}?priority=HIGH&priority=LOW")
    assert answer.status_code == 400
    assert answer.json["errors"] == {"priority": ["Send this parameter once."]}
    assert erp.get(f"{LIST}?status=PICKING&status=PICKED").status_code == 200
