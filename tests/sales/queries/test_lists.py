"""The list over HTTP: filters, pages by number and by cursor, counts that stop, search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.kernel.pagination import keyset
from app.sales.queries import lists
from tests.factories import an_item
from tests.sales.helpers import Person, a_person, brought_to, imported

LIST = "/api/sales/invoices/"


def numbers(client: FlaskClient, query: str) -> list[str]:
    answer = client.get(LIST + query)
    assert answer.status_code == 200, answer.json
    return [invoice["invoice_no"] for invoice in answer.json["results"]]


def walked(client: FlaskClient, path: str | None) -> list[str]:
    found: list[str] = []
    while path:
        page = client.get(path).json
        found += [invoice["invoice_no"] for invoice in page["results"]]
        path = page["next"]
    return found


class TestFilters:
    def test_each_one(self, erp: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
        ravi: Person = a_person(client_as)
        picked = brought_to("PICKED", erp, ravi, priority="LOW", salesman="Binu", invoice_date="2025-02-01")
        review = brought_to("REVIEW", erp, ravi, customer={"code": "C2", "name": "Other"})
        assert numbers(erp, "?status=PICKED") == [picked]
        assert numbers(erp, "?status=PICKED&status=REVIEW") == [review, picked]
        assert numbers(erp, "?billing_status=REVIEW") == [review]
        assert numbers(erp, "?priority=LOW") == [picked]
        assert numbers(erp, "?customer=C2") == [review]
        assert numbers(erp, "?salesman=Binu") == [picked]
        assert numbers(erp, "?date_from=2025-02-01&date_to=2025-02-28") == [picked]
        assert numbers(erp, "?customer=NOBODY") == []

    @pytest.mark.parametrize("query", ["?status=LOST", "?page=0", "?page_size=101", "?cursor=x", "?colour=red"])
    def test_bad_questions(self, erp: FlaskClient, query: str) -> None:
        assert erp.get(LIST + query).status_code == 400

    @pytest.mark.parametrize(
        "cursor", ["WzFd", "WyIxIl0", "WzEsMl0", "bnVsbA", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", "%00"]
    )
    def test_cursors_of_strangers(self, erp: FlaskClient, cursor: str) -> None:
        answer = erp.get(f"{LIST}?cursor={cursor}")
        assert answer.status_code == (200 if cursor == "WzFd" else 400), answer.json


class TestPages:
    @pytest.mark.parametrize("start", ["?page_size=2", "?page_size=2&cursor=", "?page_size=2&search=para&cursor="])
    def test_walked_without_gap_or_repeat(self, erp: FlaskClient, start: str) -> None:
        all_of_them = [imported(erp) for _ in range(7)]
        assert walked(erp, LIST + start) == all_of_them[::-1]

    def test_new_ones_do_not_shift_a_walk(self, erp: FlaskClient) -> None:
        old = [imported(erp) for _ in range(4)]
        page = erp.get(f"{LIST}?page_size=2&cursor=").json
        imported(erp)
        assert [i["invoice_no"] for i in page["results"]] + walked(erp, page["next"]) == old[::-1]

    def test_counts_stop_and_say_so(self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(6):
            imported(erp)
        exact = erp.get(LIST).json
        assert (exact["count"], exact["count_exact"]) == (6, True)
        monkeypatch.setattr(keyset, "MAX_COUNTED_ROWS", 5)
        estimate = erp.get(f"{LIST}?page_size=5&priority=HIGH").json
        assert estimate["count_exact"] is False
        assert estimate["count"] >= 6
        too_deep = erp.get(f"{LIST}?page_size=5&page=2")
        assert (too_deep.status_code, list(too_deep.json["errors"])) == (400, ["page"])


class TestSearch:
    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("LTPI-77282", True),
            ("77282", True),
            ("ltpi", True),
            ("lifecare para", True),
            ("650mg", True),
            ("B456", True),
            ("BC-9", True),
            ("cust-889", True),
            ("77283", False),
            ("para zzz", False),
            ("%", False),
            ("' & !", False),
            ("ര", False),
            (" ", True),
            ("\u200b\ufeff", True),
            ("para " * 8 + "zzz", False),
        ],
    )
    @pytest.mark.parametrize("recent", [0, 2_000])
    def test_words_of_number_customer_and_items(
        self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch, asked: str, *, found: bool, recent: int
    ) -> None:
        monkeypatch.setattr(lists, "RECENT_INVOICES", recent)
        imported(erp, invoice_no="LTPI-77282", items=[an_item(barcode="BC-9", batch_no="B456")])
        answer = erp.get(LIST, query_string={"search": asked}).json
        assert [i["invoice_no"] for i in answer["results"]] == (["LTPI-77282"] if found else [])
        assert answer["count"] == int(found)

    def test_a_whole_number_finds_only_itself(self, erp: FlaskClient) -> None:
        imported(erp, invoice_no="A-10")
        short = imported(erp, invoice_no="A-1")
        assert numbers(erp, "?search=A-1") == [short]

    @pytest.mark.parametrize(
        ("written", "asked"),
        [
            ("İSTANBUL Eczanesi", "istanbul"),
            ("Istanbul Eczanesi", "İSTANBUL"),
            ("Işık Eczanesi", "isik"),
            ("Işık Eczanesi", "IŞIK"),
            ("José Fernández", "JOSE fernandez"),
            ("Straße", "strasse"),
            ("Łódź", "lodz"),
            ("صيدليّة", "صيدلية"),
        ],
    )
    def test_accents_and_capitals_make_no_difference(self, erp: FlaskClient, written: str, asked: str) -> None:
        of_customer: Any = imported(erp, invoice_no="A-1", customer={"code": "C-1", "name": written})
        of_item: Any = imported(erp, invoice_no="A-2", items=[an_item(name=written)])
        found = erp.get(LIST, query_string={"search": asked}).json["results"]
        assert {invoice["invoice_no"] for invoice in found} == {of_customer, of_item}

    def test_leading_zeros_need_not_be_typed(self, erp: FlaskClient) -> None:
        number: Any = imported(erp, invoice_no="INV/2025/000123")
        assert numbers(erp, "?search=123") == [number]
