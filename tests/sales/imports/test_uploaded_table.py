"""Import of an uploaded table: the preview says what the import does, and stores nothing."""

from __future__ import annotations

from typing import Any

import pytest

from app.kernel.errors import BadRequest
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.sales.imports import uploaded_table
from app.sales.imports.uploaded_table import TableInvoice, import_table, preview_table, read_table
from app.tables.layout import Choices
from app.tables.user_files.column_map import ColumnMap
from tests.sales.conftest import counts

HEADINGS = "invoice_no,invoice_date,customer_code,customer_name,item_name,item_code,quantity,mrp\n"


def a_row(number: str = "A-1", quantity: Any = 2, mrp: Any = 3.5, code: str = "P1") -> str:
    return f"{number},2026-11-20,C1,City Care,Aspirin,{code},{quantity},{mrp}\n"


def read(*rows: str) -> list[Any]:
    return read_table((HEADINGS + "".join(rows)).encode(), Choices(), None).invoices


def shown(found: list[TableInvoice]) -> list[tuple[Any, ...]]:
    return [(each.rows, each.invoice_no, each.state, each.items, str(each.total)) for each in found]


def errors(found: list[TableInvoice]) -> list[tuple[str, str, str]]:
    return [(error.rows, error.heading, str(error.message)) for each in found for error in each.errors]


def both(*rows: str) -> list[TableInvoice]:
    """The result of an import, which its preview also says."""
    invoices, before = read(*rows), counts()
    with unit_of_work():
        preview = preview_table(invoices, None)
    assert counts() == before
    done = import_table(read(*rows), None)
    assert (shown(preview), errors(preview)) == (shown(done), errors(done))
    return done


def test_the_preview_says_what_the_import_does(app: Hub) -> None:
    rows = (a_row("A-1"), a_row("B-1", quantity=0), a_row("A-1", code="P2", mrp=1), a_row("C-1"))
    assert shown(both(*rows)) == [
        ("2, 4", "A-1", "new", 2, "9.00"),
        ("3", "B-1", "refused", 1, "None"),
        ("5", "C-1", "new", 1, "7.00"),
    ]
    assert (counts()["sales_invoices"], counts()["sales_items"], counts()["events"]) == (2, 3, 2)
    again = both(*rows)
    assert [each.state for each in again] == ["present", "refused", "present"]
    assert again[0].invoice_id is not None
    assert counts()["sales_invoices"] == 2


def test_new_invoices_of_a_preview_have_no_id(app: Hub) -> None:
    with unit_of_work():
        [found] = preview_table(read(a_row()), None)
    assert (found.state, found.invoice_id) == ("new", None)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([a_row(quantity="two")], [("2", "quantity", "A valid number is required.")]),
        ([a_row(), a_row(quantity="0")], [("3", "quantity", "Ensure this value is greater than or equal to 1.")]),
        ([a_row().replace("City Care", " ")], [("2", "customer_name", "This field is required.")]),
        ([a_row().replace("2026-11-20", "20.11.2026")], [("2", "invoice_date", "")]),
    ],
)
def test_an_error_names_its_row_and_its_column(app: Hub, rows: list[str], expected: list[tuple[str, str, str]]) -> None:
    found = errors(both(*rows))
    assert [each[:2] for each in found] == [each[:2] for each in expected]
    for each, wanted in zip(found, expected, strict=True):
        assert wanted[2] in each[2]


def test_an_invoice_that_is_stored_with_other_values_is_refused(app: Hub) -> None:
    both(a_row())
    [found] = both(a_row(mrp=4))
    assert found.state == "refused"
    assert found.invoice_id is not None
    assert errors([found]) == [("2", "", "The invoice is stored already with other values: items.0.mrp.")]


def test_a_file_without_invoices_or_with_too_many_rows_is_refused(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadRequest, match="no invoices"):
        read()
    monkeypatch.setattr(uploaded_table, "MAX_ROWS", 2)
    with pytest.raises(BadRequest, match="more than"):
        read(a_row("A"), a_row("B"), a_row("C"))


def test_batches_follow_each_other(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded_table, "BATCH", 2)
    found = both(*(a_row(f"A-{number}") for number in range(5)))
    assert [each.state for each in found] == ["new"] * 5


def test_refused_rows_have_the_errors_of_their_invoice(app: Hub) -> None:
    found = read(a_row(), a_row("B-1"), a_row("B-1", quantity="two", code="P2"), a_row("C-1", quantity=0))
    with unit_of_work():
        rows = list(uploaded_table.refused_rows(found, preview_table(found, None)))
    assert [(row.number, [error.heading for error in each]) for row, each in rows] == [
        (3, ["quantity"]),
        (4, ["quantity"]),
        (5, ["quantity"]),
    ]


def test_the_progress_is_told_batch_by_batch(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded_table, "BATCH", 2)
    told: list[tuple[int, int]] = []
    import_table(read(*(a_row(f"A-{n}") for n in range(3))), None, lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (2, 3), (3, 3)]


def test_chosen_columns_are_read(app: Hub) -> None:
    content = (HEADINGS.replace("invoice_no", "Fatura No") + a_row()).encode()
    refused = read_table(content, Choices(), None)
    assert refused.table.refusal is not None
    assert refused.table.headings[0].title == "Fatura No"
    found = read_table(content, Choices(), None, ColumnMap({"faturano": "invoice_no"}))
    assert [each.payload["invoice_no"] for each in found.invoices] == ["A-1"]
