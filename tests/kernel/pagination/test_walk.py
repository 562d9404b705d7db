"""Walking a list in both directions, in each order, and counting it at limited cost."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import Count, Place, QuerySource, count_up_to
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.invoices import SalesInvoice
from tests.admin import sample_data

ORDERS = {
    "created": Order((SalesInvoice.id,)),
    "number": Order((SalesInvoice.invoice_no,)),
    "date": Order((SalesInvoice.invoice_date, SalesInvoice.id)),
}


@pytest.fixture
def source(app: Hub) -> QuerySource:
    """Seven invoices, of which some have the same date."""
    for number in range(7):
        sample_data.import_invoice(
            invoice_no=f"W-{(number * 3) % 7}", invoice_date=str(date(2026, 11, 1 + number // 3))
        )
    return QuerySource(select(SalesInvoice), ORDERS, "-created")


def all_numbers(source: QuerySource, sort: str) -> list[str]:
    return [row.invoice_no for row in source.page(sort, Place(100)).rows]


@pytest.mark.parametrize("sort", ["created", "-created", "number", "-number", "date", "-date"])
@pytest.mark.parametrize("few", [True, False])
def test_pages_forward_and_back_show_each_row_once(source: QuerySource, sort: str, few: bool) -> None:
    source = QuerySource(source.query, ORDERS, "-created", few=few)
    expected = all_numbers(source, sort)
    assert expected == sorted(expected, reverse=sort.startswith("-")) or not sort.endswith("number")
    place, forward = Place(3), []
    pages = []
    while True:
        page = source.page(sort, place)
        pages.append(page)
        forward += [row.invoice_no for row in page.rows]
        if page.next is None:
            break
        place = Place(3, after=page.next)
    assert forward == expected
    assert [len(page.rows) for page in pages] == [3, 3, 1]
    assert pages[0].previous is None
    back = source.page(sort, Place(3, before=pages[2].previous or ""))
    assert [row.invoice_no for row in back.rows] == expected[3:6]
    assert back.next
    assert [row.invoice_no for row in source.page(sort, Place(3, after=back.next)).rows] == expected[6:]


def test_the_first_page_is_shown_as_it_is_now(source: QuerySource) -> None:
    second = source.page("-created", Place(3, after=source.page("-created", Place(3)).next or ""))
    newest = sample_data.import_invoice(invoice_no="W-NEW")
    back = source.page("-created", Place(3, before=second.previous or ""))
    assert back.previous is not None  # one row is new before the three
    first = source.page("-created", Place(3, before=back.previous))
    assert first.rows[0].invoice_no == newest
    assert len(first.rows) == 3
    assert first.previous is None


def test_a_cursor_of_another_order_is_refused(source: QuerySource) -> None:
    cursor = source.page("number", Place(3)).next or ""
    for sort in ("-created", "date"):
        with pytest.raises(Invalid):
            source.page(sort, Place(3, after=cursor))


def test_a_count_is_exact_up_to_its_limit(source: QuerySource) -> None:
    assert count_up_to(source.query, 7) == Count(7, exact=True)
    assert count_up_to(source.query, 6) == Count(6, exact=False)
    with unit_of_work():
        assert source.count() == Count(7)
