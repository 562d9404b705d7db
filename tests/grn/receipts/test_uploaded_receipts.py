"""Receipts from a file: the preview says what the booking does, and each error names its row and its column."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient

from app.grn.receipts import receipt_files, uploaded_receipts
from app.grn.receipts import service as receipts
from app.grn.receipts.receipt_files import FileReceipt, read_receipts
from app.grn.receipts.sample_file import write_sample
from app.grn.receipts.uploaded_receipts import TableReceipt
from app.kernel.errors import BadRequest
from app.kernel.unit_of_work import unit_of_work
from app.tables.layout import Choices
from app.tables.user_files import progress
from app.tables.user_files.column_map import ColumnMap
from tests.grn.helpers import row_counts, stored_events

HEADINGS = (
    "Supplier;Invoice No;Invoice Date;Fabric;Color;GRN;Order Qty;Invoice Qty;Ordering Width;UOM Length;"
    "Supplier Roll No;Supplier Length\n"
)
START = "Bursa Mill;{number};2026-11-20;{fabric};Blue;GRN-1;100;100;145;m;"


def a_row(roll: str = "R1", length: str = "50,5", number: str = "F-1", fabric: str = "cotton TWILL") -> str:
    return f"{START.format(number=number, fabric=fabric)}{roll};{length}\n"


def read(*rows: str, columns: ColumnMap | None = None) -> list[FileReceipt]:
    return read_receipts((HEADINGS + "".join(rows)).encode(), columns or ColumnMap(), Choices()).receipts


def shown(found: list[TableReceipt]) -> list[tuple[Any, ...]]:
    return [(each.rows, each.invoice_no, each.state, each.items, each.rolls) for each in found]


def errors(found: list[TableReceipt]) -> list[tuple[str, str, str]]:
    return [(error.rows, error.heading, str(error.message)) for each in found for error in each.errors]


def both(*rows: str) -> list[TableReceipt]:
    """The result of a booking, which its preview also says."""
    before = row_counts()
    preview = uploaded_receipts.preview(read(*rows))
    assert row_counts() == before
    with unit_of_work():
        done = uploaded_receipts.book_in(read(*rows), actor="a test")
    assert (shown(preview), errors(preview)) == (shown(done), errors(done))
    return done


@pytest.mark.usefixtures("clerk")
class TestBooking:
    def test_rows_become_receipts_with_items_and_rolls(self) -> None:
        found = both(a_row(), ";;;;;;;;;;R2;49,5\n", a_row(number="F-2"), ";;;TW-145;Black;GRN-2;1;1;1;kg;R1;\n")
        assert shown(found) == [("2-3", "F-1", "new", 1, 2), ("4-5", "F-2", "new", 2, 2)]
        receipt = receipts.find(found[0].receipt_id or 0)
        [item] = receipt.fabric_items
        assert (item.uom_length, item.grn_qty, [roll.supplier_roll_no for roll in item.rolls]) == (
            "meter",
            100,
            ["R1", "R2"],
        )
        other = receipts.find(found[1].receipt_id or 0)
        units = [(each.color, each.uom_length) for each in other.fabric_items]
        assert units == [("Blue", "meter"), ("Black", "kilogram")]
        assert len(stored_events("grn.created")) == 3  # with the receipt of the demo

    def test_a_receipt_is_stored_once(self) -> None:
        first = both(a_row())
        again = both(a_row(length="1"), a_row(number="F-2"))
        assert [each.state for each in again] == ["present", "new"]
        assert again[0].receipt_id == first[0].receipt_id
        assert receipts.find(first[0].receipt_id or 0).fabric_items[0].grn_qty == 50.5

    def test_a_receipt_that_was_booked_by_hand_is_not_stored_again(self) -> None:
        assert both(a_row(number="INV-DEMO-1"))[0].receipt_id == 1

    def test_what_somebody_else_stored_meanwhile_is_not_stored_again(self) -> None:
        with unit_of_work():
            [checked] = uploaded_receipts._check_all(read(a_row()), progress.ignore)
            stored = receipts.receive(checked.data or {}, actor="a test")
            uploaded_receipts._store(checked, "a test")
        assert (checked.outcome.state, checked.outcome.receipt_id) == ("present", stored.id)

    def test_two_receipts_of_a_file_with_one_external_id(self) -> None:
        headings = "External ID;" + HEADINGS
        rows = ["E-1;" + a_row(), "E-1;" + a_row(number="F-2")]
        found = read_receipts((headings + "".join(rows)).encode(), ColumnMap(), Choices()).receipts
        preview = uploaded_receipts.preview(found)
        with unit_of_work():
            done = uploaded_receipts.book_in(found, actor="a test")
        assert [each.state for each in preview] == [each.state for each in done] == ["new", "refused"]
        assert errors(done) == [("3", "externalId", "Another receipt already carries this externalId.")]

    def test_the_sample_is_right(self) -> None:
        content = write_sample()
        found = read_receipts(content, ColumnMap(), Choices()).receipts
        [outcome] = uploaded_receipts.preview(found)
        assert (outcome.state, outcome.items, outcome.rolls) == ("new", 1, 3)

    def test_refused_rows_have_their_reasons(self) -> None:
        found = read(a_row(), a_row("R2", "long"), a_row(number="F-2", fabric="Silk"), a_row(number="F-3"))
        rows = [
            (row.number, [error.heading for error in each])
            for row, each in uploaded_receipts.refused_rows(found, uploaded_receipts.preview(found))
        ]
        assert rows == [(2, ["supplierLength"]), (3, ["supplierLength"]), (4, ["fabric"])]


@pytest.mark.usefixtures("clerk")
class TestErrors:
    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([a_row(length="long")], [("2", "supplierLength", "A valid number is required.")]),
            ([a_row(), a_row("R1")], [("3", "supplierRollNo", "Row 2 has the same roll number.")]),
            ([a_row(), a_row("")], [("3", "supplierRollNo", "This field is required.")]),
            ([a_row(fabric="Silk")], [("2", "fabric", "Nothing has the name or code “Silk”.")]),
            ([a_row(), a_row("R2").replace(";145;", ";146;")], [("3", "orderingWidth", "something else")]),
            ([a_row().replace(";100;100;", ";x;100;")], [("2", "orderQty", "A valid number is required.")]),
            ([a_row().replace(";100;100;", ";;100;")], [("2", "orderQty", "This field is required.")]),
            ([a_row(), "Total;;;;;;;;;;;100\n"], [("3", "", "total row")]),
            ([a_row(), "Prepared by: Ali;;;;;;;;;;;\n"], [("3", "", "a note")]),
            ([a_row().replace(";m;", ";mile;")], [("2", "uomLength", "Must be one of")]),
            ([a_row().replace("2026-11-20", "20.11.2026")], [("2", "invoiceDate", "no date")]),
        ],
    )
    def test_an_error_names_its_row_and_its_column(self, rows: list[str], expected: list[tuple[str, str, str]]) -> None:
        found = errors(both(*rows))
        assert [each[:2] for each in found] == [each[:2] for each in expected]
        assert all(wanted[2] in each[2] for each, wanted in zip(found, expected, strict=True)), found

    def test_a_name_that_several_have_is_refused(self, clerk: FlaskClient) -> None:
        for number in (70, 71):
            assert clerk.post("/api/fabrics", json={"id": number, "name": "Denim"}).status_code == 201
        assert errors(both(a_row(fabric="denim"))) == [("2", "fabric", "Several have the name “denim”. Type the code.")]

    def test_a_file_without_rows_or_with_too_many_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(BadRequest, match="no receipts"):
            read()
        monkeypatch.setattr(receipt_files, "MAX_ROLLS", 1)
        with pytest.raises(BadRequest, match="more than"):
            read(a_row(), a_row("R2"))

    def test_missing_and_unknown_headings_are_the_refusal_of_the_table(self) -> None:
        table = read_receipts(b"Lieferant;Invoice No\nBursa Mill;1\n", ColumnMap(), Choices()).table
        assert table.refusal is not None
        assert [(each.title, each.samples) for each in table.headings] == [
            ("Lieferant", ["Bursa Mill"]),
            ("Invoice No", ["1"]),
        ]

    def test_chosen_columns_are_read(self) -> None:
        content = (HEADINGS.replace("Supplier;", "Lieferant;", 1) + a_row()).encode()
        found = read_receipts(content, ColumnMap({"lieferant": "supplier"}), Choices())
        assert [each.state for each in uploaded_receipts.preview(found.receipts)] == ["new"]


def test_the_sample_names_what_is_needed_without_master_data(app: Any) -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_sample()))
    assert [cell.value for cell in book.worksheets[0]["A"]][:2] == ["Supplier", "Bursa Mill"]
