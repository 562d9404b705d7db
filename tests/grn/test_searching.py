"""Searches that find nearly everything: quick, never wrong, and open about what was not counted."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from app.grn.receipts.search import COUNT_LIMIT
from app.kernel.unit_of_work import unit_of_work
from tests.grn.reading import said

_RECEIPTS = """
INSERT INTO goods_receipts (id, supplier_id, invoice_no, created_at, updated_at)
SELECT :first + n, CASE WHEN n % 500 = 0 THEN 2 ELSE 1 END, :word || '-' || n % 7, now(), now()
FROM generate_series(1, :many) n;
INSERT INTO fabric_items (id, receipt_id, position, fabric_id, color, order_qty, ordering_width, invoice_qty, grn,
    roll_count)
SELECT :first + n, :first + n, 0, 1, 'Red', 1, 1, 1, 'G' || :word, 1 FROM generate_series(1, :many) n;
INSERT INTO supplier_rolls (fabric_item_id, position, supplier_roll_no, blanket_qty)
SELECT :first + n, 0, 'R' || :word, 0 FROM generate_series(1, :many) n
"""


def _store(word: str, many: int, first: int) -> None:
    """Receipts whose invoice, GRN and roll numbers all carry ``word``; each five hundredth is of supplier 2."""
    given = {"word": word, "many": many, "first": first}
    with unit_of_work():
        db.session.execute(text("INSERT INTO suppliers (id, name) VALUES (2, 'Other') ON CONFLICT DO NOTHING"))
        for statement in _RECEIPTS.split(";\n"):
            query = text(statement)
            db.session.execute(query, {name: given[name] for name in query.compile().params})


def _page(clerk: FlaskClient, query: str) -> dict[str, Any]:
    page: dict[str, Any] = said(clerk.get(f"/api/invoices?{query}"))
    return page


def _ids(page: dict[str, Any]) -> list[int]:
    return [receipt["id"] for receipt in page["content"]]


class TestSearchesThatFindMuch:
    @pytest.mark.parametrize("word", ["lot", "glot", "rlot"])
    @pytest.mark.parametrize("sort", ["id,desc", "invoiceNo,asc"])
    def test_are_not_counted_but_walked_to_the_end(self, clerk: FlaskClient, word: str, sort: str) -> None:
        _store("lot", COUNT_LIMIT + 1, 1000)
        first = _page(clerk, f"search={word}&sort={sort}")
        assert (first["totalElements"], first["totalPages"], first["totalIsLowerBound"]) == (21, 2, True)
        walked: list[int] = []
        for number in range(11):
            page = _page(clerk, f"search={word}&sort={sort}&pageSize=100&page={number}")
            assert (page["totalPages"] > number + 1) == (number < 10)
            walked += _ids(page)
        assert (page["totalElements"], "totalIsLowerBound" in page) == (COUNT_LIMIT + 1, False)
        numbers = (
            range(COUNT_LIMIT + 1, 0, -1)
            if sort == "id,desc"
            else sorted(range(1, COUNT_LIMIT + 2), key=lambda n: (n % 7, n))
        )
        assert walked == [1000 + number for number in numbers]
        assert _ids(first) == walked[:20]

    def test_up_to_a_thousand_they_are_counted(self, clerk: FlaskClient) -> None:
        _store("lot", COUNT_LIMIT, 1000)
        page = _page(clerk, "search=lot&pageSize=10")
        assert (page["totalElements"], page["totalPages"], "totalIsLowerBound" in page) == (COUNT_LIMIT, 100, False)

    def test_what_is_rare_among_the_newest_is_found_and_counted(self, clerk: FlaskClient) -> None:
        _store("old", COUNT_LIMIT + 1, 1000)
        _store("new", 250, 5000)
        page = _page(clerk, "search=old")
        assert (page["totalElements"], "totalIsLowerBound" in page) == (COUNT_LIMIT + 1, False)
        assert _ids(page) == list(range(1000 + COUNT_LIMIT + 1, 1000 + COUNT_LIMIT - 19, -1))

    def test_other_filters_hold_too(self, clerk: FlaskClient) -> None:
        _store("lot", COUNT_LIMIT + 1, 1000)
        page = _page(clerk, "search=lot&supplierId=2")
        assert (page["totalElements"], _ids(page)) == (2, [2000, 1500])
        page = _page(clerk, "search=lot&supplierId=2&pageSize=1")
        assert (page["totalElements"], page["totalIsLowerBound"], _ids(page)) == (2, True, [2000])
