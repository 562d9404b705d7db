"""Reading: the detail, and the list by each of its filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.sales.conftest import LIST, put

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def three(imported: Make, in_review: Make) -> None:
    imported(invoice_no="LTPI-1", invoice_date="2025-01-01", priority="LOW", salesman="Ajay")
    imported(
        invoice_no="LTPI-2",
        invoice_date="2025-01-02",
        priority="HIGH",
        salesman="Meera",
        customer={"code": "C-50%", "name": "Şifa_Eczanesi"},
    )
    in_review(invoice_no="OTHER-3", invoice_date="2025-01-03", priority="HIGH", salesman=None)
    put("LTPI-2", "PICKING")


@pytest.mark.usefixtures("three")
class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ["OTHER-3", "LTPI-2", "LTPI-1"]),
            ("status=PICKING", ["LTPI-2"]),
            ("status=PICKING&status=REVIEW", ["OTHER-3", "LTPI-2"]),
            ("status=DELIVERED", []),
            ("billing_status=REVIEW", ["OTHER-3"]),
            ("priority=HIGH", ["OTHER-3", "LTPI-2"]),
            ("customer=CUST-889", ["OTHER-3", "LTPI-1"]),
            ("customer=CUST", []),
            ("salesman=Meera", ["LTPI-2"]),
            ("date_from=2025-01-02", ["OTHER-3", "LTPI-2"]),
            ("date_to=2025-01-02", ["LTPI-2", "LTPI-1"]),
            ("date_from=2025-01-02&date_to=2025-01-02", ["LTPI-2"]),
            ("date_from=2025-01-03&date_to=2025-01-01", []),
            ("search=ltpi-", ["LTPI-2", "LTPI-1"]),
            ("search=lifecare", ["OTHER-3", "LTPI-1"]),
            ("search=C-50", ["LTPI-2"]),
            ("search=", ["OTHER-3", "LTPI-2", "LTPI-1"]),
            ("search=no such thing", []),
            ("priority=HIGH&customer=CUST-889&status=REVIEW", ["OTHER-3"]),
        ],
    )
    def test_select(self, erp: FlaskClient, query: str, found: list[str]) -> None:
        answer = erp.get(f"{LIST}?{query}")
        assert answer.status_code == 200, answer.text
        assert [row["invoice_no"] for row in answer.json["results"]] == found
        assert answer.json["count"] == len(found)

    @pytest.mark.parametrize("words", ["%' OR 1=1 --", "\\", "';", "😀", "\u202e%"])
    def test_no_words_are_a_program(self, erp: FlaskClient, words: str) -> None:
        answer = erp.get(LIST, query_string={"search": words})
        assert (answer.status_code, answer.json["results"]) == (200, [])

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("status=LOST", "status"),
            ("priority=URGENT", "priority"),
            ("billing_status=PAID", "billing_status"),
            ("date_from=2025-02-30", "date_from"),
            ("date_to=yesterday", "date_to"),
            ("search=a%00b", "search"),
            ("customer=" + "x" * 51, "customer"),
            ("salesmen=Ajay", "salesmen"),
        ],
    )
    def test_a_wrong_one_is_refused_by_name(self, erp: FlaskClient, query: str, field: str) -> None:
        answer = erp.get(f"{LIST}?{query}")
        assert answer.status_code == 400
        assert list(answer.json["errors"]) == [field]

    def test_the_list_shows_what_the_detail_shows(self, erp: FlaskClient) -> None:
        for row in erp.get(LIST).json["results"]:
            assert row == erp.get(f"{LIST}{row['id']}/").json


class TestDetail:
    def test_shows_the_full_invoice(self, imported: Make) -> None:
        assert set(imported()) >= {
            "id",
            "invoice_no",
            "invoice_date",
            "status",
            "billing_status",
            "priority",
            "customer",
            "salesman",
            "created_by",
            "created_user",
            "temp_name",
            "remarks",
            "items",
            "total_amount",
            "Total",
            "total_difference",
            "return_info",
            "metadata",
            "created_at",
            "updated_at",
        }

    @pytest.mark.parametrize("number", ["1", "0", "x", "-1", "1.0", "９"])
    def test_what_is_not_there_is_not_found(self, erp: FlaskClient, number: str) -> None:
        answer = erp.get(f"{LIST}{number}/")
        assert answer.status_code == 404
        assert answer.json["success"] is False
