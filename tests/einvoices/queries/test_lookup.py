"""Lists of e-invoices: fields, filters, cursors, counts, and reading by page while rows change."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.queries import lookup
from tests.einvoices.helpers import SETTLE_SECONDS, URL, create_draft, create_issued, list_page, page_ids, perform

ITEM = {
    "id", "invoice_no", "status", "type", "issued_at", "issued_on", "marketplace", "marketplace_order_no", "buyer",
    "totals", "provider", "provider_status", "provider_invoice_id", "pdf_url", "updated_at", "metadata", "is_test",
}  # fmt: skip


def test_a_page_has_the_documented_fields(owner: FlaskClient) -> None:
    all_ids = [create_draft(owner)["id"] for _ in range(3)]
    page = list_page(owner, per_page=2, page=1)
    assert page_ids(page) == all_ids[:0:-1]
    meta = {"current_page": 1, "per_page": 2, "total": 3, "last_page": 2}
    assert meta.items() <= page["meta"].items()
    assert page["data"][0].keys() == ITEM
    assert page["data"][0]["buyer"].keys() == {"name", "email", "phone"}
    assert page_ids(list_page(owner, per_page=2, page=2)) == all_ids[:1]
    assert list_page(owner, page=9)["data"] == []


def test_an_empty_list_has_one_page(owner: FlaskClient) -> None:
    meta = {"current_page": 1, "per_page": 20, "total": 0, "last_page": 1, "next_cursor": None}
    assert list_page(owner) == {"data": [], "meta": meta}


def test_filters_select_rows_and_totals(owner: FlaskClient) -> None:
    sale = create_issued(owner, marketplace="n11")
    note = perform(owner, sale["id"], "returns", {"reason": "x"})
    draft = create_draft(owner, marketplace=None)
    assert page_ids(list_page(owner, status="issued")) == [sale["id"]]
    assert page_ids(list_page(owner, type="return")) == [note["id"]]
    assert page_ids(list_page(owner, marketplace="n11")) == [note["id"], sale["id"]]
    page = list_page(owner, status="draft", marketplace="n11")
    assert (page_ids(page), page["meta"]["total"]) == ([note["id"]], 1)
    assert list_page(owner)["meta"]["total"] == 3
    time.sleep(SETTLE_SECONDS)
    assert draft["id"] in page_ids(list_page(owner, updated_since="2020-01-01"))
    assert page_ids(list_page(owner, updated_since="2999-01-01T00:00:00+03:00")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"per_page": 0}, "per_page"),
        ({"per_page": 101}, "per_page"),
        ({"page": 0}, "page"),
        ({"updated_since": "yesterday"}, "updated_since"),
        ({"updated_since": "2026-02-30"}, "updated_since"),
        ({"status": "open"}, "status"),
        ({"cursor": "!!"}, "cursor"),
        ({"cursor": "MS4x"}, "cursor"),
        ({"colour": "red"}, "colour"),
        ({"search": "x" * 101}, "search"),
    ],
)
def test_an_invalid_query_is_refused(owner: FlaskClient, query: dict[str, Any], field: str) -> None:
    answer = owner.get(URL, query_string=query)
    assert answer.status_code == 422
    assert field in answer.json["errors"]


def test_a_cursor_returns_every_row_once(owner: FlaskClient) -> None:
    all_ids = [create_draft(owner)["id"] for _ in range(7)]
    seen, cursor = [], ""
    while cursor is not None:
        page = list_page(owner, cursor=cursor, per_page=3)
        assert page["meta"]["total"] is None
        seen += page_ids(page)
        cursor = page["meta"]["next_cursor"]
        create_draft(owner)
    assert seen == all_ids[::-1]


@pytest.mark.parametrize("few", [2, 4, 100])
def test_changes_are_counted_exactly(
    owner: FlaskClient, owner_as: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(lookup, "_CHEAP_COUNT", few)
    create_issued(owner_as())
    for number in range(6):
        (create_draft, create_issued)[number % 2](owner, marketplace=("a", "b", None)[number % 3])
    moments = sorted(row["updated_at"] for row in list_page(owner)["data"])
    time.sleep(SETTLE_SECONDS)
    for since in moments:
        for more in ({}, {"status": "draft"}, {"marketplace": "a"}, {"search": "ay"}):
            query = {"updated_since": since, **more}
            everything = list_page(owner, cursor="", per_page=100, **query)["data"]
            assert list_page(owner, **query)["meta"]["total"] == len(everything)


@pytest.mark.parametrize("leaves_on", [1, 2, 3])
def test_rows_that_leave_the_filter_make_the_reader_skip_nothing(owner: FlaskClient, leaves_on: int) -> None:
    all_ids = [create_issued(owner)["id"] for _ in range(9)]
    time.sleep(SETTLE_SECONDS)
    seen: list[int] = []
    page, last = 1, 1
    while page <= last:
        answer = list_page(owner, updated_since="2020-01-01", status="issued", per_page=2, page=page)
        seen += page_ids(answer)
        last = answer["meta"]["last_page"]
        if page == leaves_on:
            for leaving in seen[:3]:
                owner.post(f"{URL}/{leaving}/cancel", json={"reason": "x"})
        page += 1
    assert set(seen) == set(all_ids)
    assert list_page(owner, updated_since="2020-01-01", status="issued")["meta"]["total"] == 9 - min(3, 2 * leaves_on)
