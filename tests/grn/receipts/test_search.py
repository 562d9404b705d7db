"""List of goods receipts: pages, sort order, filters, and searches with many hits."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.grn.receipts.search import COUNT_LIMIT
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import json_body, rejected_fields

INVOICES = "/api/invoices"
_RECEIPTS = """
INSERT INTO goods_receipts (id, supplier_id, invoice_no, created_at, updated_at)
SELECT :first + n, CASE WHEN n % 500 = 0 THEN 2 ELSE 1 END, :word || '-' || n % 7, now(), now()
FROM generate_series(1, :count) n;
INSERT INTO fabric_items (id, receipt_id, position, fabric_id, color, order_qty, ordering_width, invoice_qty, grn,
    roll_count)
SELECT :first + n, :first + n, 0, 1, 'Red', 1, 1, 1, 'G' || :word, 1 FROM generate_series(1, :count) n;
INSERT INTO supplier_rolls (fabric_item_id, position, supplier_roll_no, blanket_qty)
SELECT :first + n, 0, 'R' || :word, 0 FROM generate_series(1, :count) n
"""


def _create_receipt(clerk: FlaskClient) -> int:
    receipt_id: int = json_body(clerk.post(INVOICES, json=a_receipt()), 201)["id"]
    return receipt_id


def _store(word: str, count: int, first: int) -> None:
    """Store receipts with ``word`` in their invoice, GRN and roll numbers; every 500th is from supplier 2."""
    parameters = {"word": word, "count": count, "first": first}
    with unit_of_work():
        db.session.execute(text("INSERT INTO suppliers (id, name) VALUES (2, 'Other') ON CONFLICT DO NOTHING"))
        for statement in _RECEIPTS.split(";\n"):
            query = text(statement)
            db.session.execute(query, {name: parameters[name] for name in query.compile().params})


def _page(clerk: FlaskClient, query: str) -> dict[str, Any]:
    page: dict[str, Any] = json_body(clerk.get(f"/api/invoices?{query}"))
    return page


def _ids(page: dict[str, Any]) -> list[int]:
    return [receipt["id"] for receipt in page["content"]]


class TestLists:
    def test_pages_start_at_zero_with_the_newest_first(self, clerk: FlaskClient) -> None:
        ids = [_create_receipt(clerk) for _ in range(4)]
        page = json_body(clerk.get(f"{INVOICES}?page=1&pageSize=2"))
        assert [receipt["id"] for receipt in page["content"]] == [ids[1], ids[0]]
        assert (page["totalElements"], page["totalPages"], page["number"], page["size"]) == (5, 3, 1, 2)
        assert json_body(clerk.get(f"{INVOICES}?page=9"))["content"] == []
        assert "supplierRollList" not in page["content"][0]["fabricItemList"][0]

    def test_sorting(self, clerk: FlaskClient) -> None:
        for number in ("B", "A", "C"):
            json_body(clerk.post(INVOICES, json=a_receipt(invoiceNo=number, supplierId=1, externalId=None)), 201)
        page = json_body(clerk.get(f"{INVOICES}?sort=invoiceNo,asc&pageSize=3"))
        assert [receipt["invoiceNo"] for receipt in page["content"]] == ["A", "B", "C"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("externalId=X-1", True),
            ("externalId=X-2", False),
            ("supplierId=1&invoiceNo=I-1&erpInvoiceNo=ERP-1", True),
            ("supplierId=2", False),
            ("grn=grn-1", True),
            ("fabricId=1&color=Red&warehouse=north", True),
            ("fabricId=1&color=Red&warehouse=south", False),
            ("orderId=10", True),
            ("externalOrderId=77", True),
            ("externalOrderId=7", False),
            ("rollNo=roll-1", True),
            ("rollNo=fact-1", True),
            ("rollNo=roll", False),
            ("grnDateFrom=2024-01-02&grnDateTo=2024-01-02", True),
            ("grnDateFrom=2024-01-03", False),
            ("createdFrom=2020-01-01&createdTo=2099-01-01", True),
            ("createdTo=2020-01-01", False),
            ("createdTo=9999-12-31", True),
            ("search=x-", True),
            ("search=i-1", True),
            ("search=erp-", True),
            ("search=Grn-1", True),
            ("search=FACT-1", True),
            ("search=_-1", False),
            ("search=%25", False),
            ("search=%5C", False),
            ("search=%C5%9Ei%CC%87%F0%9F%A7%B5", False),
        ],
    )
    def test_filters(self, clerk: FlaskClient, query: str, found: bool) -> None:
        roll = a_roll(supplierRollNo="Roll-1", factoryRollNo="Fact-1")
        facts = {"color": "Red", "warehouse": "north", "orderId": 10, "externalOrderIds": "76,77"}
        item = a_fabric_item(grn="GRN-1", grnDate="2024-01-02", supplierRollList=[roll], **facts)
        sent = a_receipt(item, externalId="X-1", invoiceNo="I-1", erpInvoiceNo="ERP-1")
        receipt_id = json_body(clerk.post(INVOICES, json=sent), 201)["id"]
        content = json_body(clerk.get(f"{INVOICES}?{query}"))["content"]
        assert (receipt_id in [receipt["id"] for receipt in content]) is found

    @pytest.mark.parametrize(
        "query",
        ["page=-1", "pageSize=0", "pageSize=101", "sort=color", "sort=id,up", "colour=Red", "grnDateTo=2025-02-30"],
    )
    def test_wrong_query_parameters_are_named(self, clerk: FlaskClient, query: str) -> None:
        assert list(rejected_fields(clerk.get(f"{INVOICES}?{query}"))) == [query.split("=", maxsplit=1)[0]]


class TestManyHits:
    @pytest.mark.parametrize("word", ["lot", "glot", "rlot"])
    @pytest.mark.parametrize("sort", ["id,desc", "invoiceNo,asc"])
    def test_more_hits_than_the_limit_are_not_counted_but_can_all_be_read(
        self, clerk: FlaskClient, word: str, sort: str
    ) -> None:
        _store("lot", COUNT_LIMIT + 1, 1000)
        first = _page(clerk, f"search={word}&sort={sort}")
        assert (first["totalElements"], first["totalPages"], first["totalIsLowerBound"]) == (21, 2, True)
        read_ids: list[int] = []
        for number in range(11):
            page = _page(clerk, f"search={word}&sort={sort}&pageSize=100&page={number}")
            assert (page["totalPages"] > number + 1) == (number < 10)
            read_ids += _ids(page)
        assert (page["totalElements"], "totalIsLowerBound" in page) == (COUNT_LIMIT + 1, False)
        numbers = (
            range(COUNT_LIMIT + 1, 0, -1)
            if sort == "id,desc"
            else sorted(range(1, COUNT_LIMIT + 2), key=lambda n: (n % 7, n))
        )
        assert read_ids == [1000 + number for number in numbers]
        assert _ids(first) == read_ids[:20]

    def test_hits_up_to_the_limit_are_counted(self, clerk: FlaskClient) -> None:
        _store("lot", COUNT_LIMIT, 1000)
        page = _page(clerk, "search=lot&pageSize=10")
        assert (page["totalElements"], page["totalPages"], "totalIsLowerBound" in page) == (COUNT_LIMIT, 100, False)

    def test_hits_that_are_rare_among_the_newest_are_found_and_counted(self, clerk: FlaskClient) -> None:
        _store("old", COUNT_LIMIT + 1, 1000)
        _store("new", 250, 5000)
        page = _page(clerk, "search=old")
        assert (page["totalElements"], "totalIsLowerBound" in page) == (COUNT_LIMIT + 1, False)
        assert _ids(page) == list(range(1000 + COUNT_LIMIT + 1, 1000 + COUNT_LIMIT - 19, -1))

    def test_other_filters_are_applied_too(self, clerk: FlaskClient) -> None:
        _store("lot", COUNT_LIMIT + 1, 1000)
        page = _page(clerk, "search=lot&supplierId=2")
        assert (page["totalElements"], _ids(page)) == (2, [2000, 1500])
        page = _page(clerk, "search=lot&supplierId=2&pageSize=1")
        assert (page["totalElements"], page["totalIsLowerBound"], _ids(page)) == (2, True, [2000])
