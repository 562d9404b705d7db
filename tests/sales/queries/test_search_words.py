"""A search by words: which of them find the rows by an index, and which are checked row by row."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.pagination.walk import Place
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.invoices import SalesInvoice
from app.sales.queries import lists, search
from app.sales.queries.search import Search, read_search, searched
from tests.admin.sample_data import import_invoice
from tests.factories import an_item


@pytest.fixture(autouse=True)
def _invoices(app: Hub) -> None:
    for number in range(6):
        items = [an_item(name="Paracetamol"), an_item(name="Zincovit" if number == 2 else f"Other {number}")]
        customer = {"code": "C1", "name": "City Care"} if number == 4 else {"code": "C2", "name": "Grace"}
        import_invoice(invoice_no=f"LTPI-{number}", items=items, customer=customer)


def read(typed: str) -> Search:
    found = read_search(typed)
    assert found
    return found


def hits(typed: str) -> tuple[list[str], int]:
    """The numbers that a search finds, and how many of its words no index may find."""
    with unit_of_work():
        query = searched(select(SalesInvoice), read(typed)).order_by(SalesInvoice.id)
        return [invoice.invoice_no for invoice in db.session.scalars(query)], str(query).count("ts_match_vq")


@pytest.mark.parametrize(
    ("typed", "numbers", "by_row"),
    [
        ("parace zinco", ["LTPI-2"], 1),
        ("ltpi parace zinco", ["LTPI-2"], 2),
        ("parace city", ["LTPI-4"], 1),
        ("grace zinco", ["LTPI-2"], 0),  # the word of a customer is in no invoice
        ("parace ltpi", [f"LTPI-{number}" for number in range(6)], 0),
        ("parace nothing", [], 1),
        ("zinco", ["LTPI-2"], 0),
    ],
)
def test_words_of_most_invoices_need_no_index(typed: str, numbers: list[str], by_row: int) -> None:
    assert hits(typed) == (numbers, by_row)


class TestWordsOfManyCustomers:
    """Four invoices of two old customers; the items of one of these and of a newer invoice are named like them."""

    @pytest.fixture(autouse=True)
    def _old_town(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(search, "FEW_CUSTOMERS", 1)
        for number in range(4):
            customer = {"code": f"O{number % 2}", "name": f"Oldtown Pharmacy {number % 2}"}
            # Without codes, which begin with any digit.
            items = [an_item(name="Oldtown syrup" if number == 3 else "Syrup", item_code="S", barcode="S")]
            import_invoice(invoice_no=f"OLD-{number}", items=items, customer=customer)
        import_invoice(invoice_no="NEW-1", items=[an_item(name="Oldtown syrup")], customer={"code": "N", "name": "New"})

    @pytest.mark.parametrize(
        ("typed", "numbers"),
        [
            ("oldt", ["OLD-0", "OLD-1", "OLD-2", "OLD-3", "NEW-1"]),
            ("oldtown pharmacy", ["OLD-0", "OLD-1", "OLD-2", "OLD-3"]),
            ("pharmacy 1", ["OLD-1", "OLD-3"]),
            ("oldtown syrup", ["OLD-0", "OLD-1", "OLD-2", "OLD-3", "NEW-1"]),
            ("oldtown zinco", []),
        ],
    )
    def test_the_indexes_find_the_same(self, typed: str, numbers: list[str]) -> None:
        for rare in (False, True):
            with unit_of_work():
                query = searched(select(SalesInvoice), read(typed), rare=rare).order_by(SalesInvoice.id)
                assert [invoice.invoice_no for invoice in db.session.scalars(query)] == numbers

    def test_a_list_finds_the_same_in_its_order(self, app: Hub) -> None:
        with app.test_request_context():
            for typed, numbers in (
                ("oldtown", ["NEW-1", "OLD-3", "OLD-2", "OLD-1", "OLD-0"]),
                ("zinco", ["LTPI-2"]),
            ):
                filters = {"search": typed, "page": 1, "page_size": 8, "cursor": None}
                assert [invoice.invoice_no for invoice in lists.find_page(filters).results] == numbers
                walked = lists.source({"search": typed}).page("-created", Place(8))
                assert [invoice.invoice_no for invoice in walked.rows] == numbers

    @pytest.mark.parametrize(
        ("typed", "expected"),
        [("oldtown", True), ("oldtown pharmacy", True), ("oldtown 1", True), ("zinco", False), ("LTPI-1", False)],
    )
    def test_words_of_many_customers(self, typed: str, expected: bool) -> None:
        with unit_of_work():
            assert read(typed).is_of_many_customers is expected

    @pytest.mark.parametrize("newest", [500, 0])
    def test_the_sample_of_customers_changes_no_answer(self, newest: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Words that are usual among the newest customers are not looked up in the index."""
        monkeypatch.setattr(search, "SAMPLE", newest)
        with unit_of_work():
            assert read("oldtown new grace").customers.keys() == {"oldtown", "new", "grace"}
            assert [word for word, ids in read("oldtown new grace").customers.items() if ids is None] == ["oldtown"]

    def test_nothing_typed_is_no_search(self) -> None:
        assert read_search(" ") is None

    @pytest.mark.parametrize("typed", ["oldtown", "oldtown pharmacy"])
    def test_no_row_is_read_without_an_index(self, typed: str) -> None:
        def plan(*, rare: bool) -> str:
            query = searched(select(SalesInvoice.id), read(typed), rare=rare)
            statement = query.compile(db.engine)
            db.session.execute(text("SET LOCAL enable_seqscan = off"))
            lines = db.session.connection().exec_driver_sql(f"EXPLAIN {statement}", statement.params)
            return "\n".join(line for (line,) in lines)

        with unit_of_work():
            assert "Seq Scan on sales_invoices" in plan(rare=False)
            by_indexes = plan(rare=True)
        assert "Index Cond: (customer_id = customers.id)" in by_indexes
        assert "ix_sales_invoices_search" in by_indexes
        assert "Seq Scan on sales_invoices" not in by_indexes
