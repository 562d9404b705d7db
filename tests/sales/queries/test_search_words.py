"""A search of several words: those that most invoices have are checked row by row, the others find the rows."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.invoices import SalesInvoice
from app.sales.queries.search import searched
from tests.admin.sample_data import import_invoice
from tests.factories import an_item


@pytest.fixture(autouse=True)
def _invoices(app: Hub) -> None:
    for number in range(6):
        items = [an_item(name="Paracetamol"), an_item(name="Zincovit" if number == 2 else f"Other {number}")]
        customer = {"code": "C1", "name": "City Care"} if number == 4 else {"code": "C2", "name": "Grace"}
        import_invoice(invoice_no=f"LTPI-{number}", items=items, customer=customer)


def hits(typed: str) -> tuple[list[str], int]:
    """The numbers that a search finds, and how many of its words no index may find."""
    with unit_of_work():
        query = searched(select(SalesInvoice), typed).order_by(SalesInvoice.id)
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
