"""Packing lists as people make them: titles above, notes below, merged cells, values of no type."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.grn.helpers import error_body, json_body, row_counts

URL = "/api/invoices/1/fabric-items/26/rolls/file"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEAD = ("Supplier Roll No", "Supplier Length", "Shade")
Upload = Callable[..., TestResponse]


def sheet(*rows: tuple[Any, ...], merge: tuple[str, ...] = ()) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    for area in merge:
        book.active.merge_cells(area)  # type: ignore[union-attr]
    book.save(out)
    return out.getvalue()


@pytest.fixture
def upload(clerk: FlaskClient) -> Upload:
    def send(content: bytes | str, query: str = "") -> TestResponse:
        kind = SHEET if isinstance(content, bytes) else "text/csv"
        return clerk.put(URL + query, data=content, content_type=kind)

    return send


def messages(answer: TestResponse) -> dict[str, str]:
    return {error["field"]: error["message"] for error in error_body(answer, 400, 40001)["errors"]}


@pytest.mark.parametrize("note", ["Prepared by: Ali", "Note: R1 is wet", "Onaylayan", "Sayfa 1 / 2 son"])
def test_a_note_below_the_table_is_no_roll(upload: Upload, note: str) -> None:
    before = row_counts()
    question = f"Is “{note}” a note and no roll? Then remove the row. If it is a roll, send keepTotals=true."
    rows = (HEAD, ("R1", 5, "A"), (note,))
    assert messages(upload(sheet(*rows))) == {"row[3]": question}
    assert messages(upload(f"Supplier Roll No;Supplier Length\nR1;5\n{note};\n")) == {"row[3]": question}
    assert row_counts() == before
    assert json_body(upload(sheet(*rows), "?keepTotals=true"))["rollCount"] == 2


def test_signatures_and_texts_beside_the_table_are_no_rolls(upload: Upload) -> None:
    rows = (HEAD, ("R1", 5, "A"), ("Prepared by", None, "Checked by"), (None, None, None, "Ali"))
    assert messages(upload(sheet(*rows))) == {
        f"row[{row}]": f"Is “{text}” a note and no roll? Then remove the row. If it is a roll, send keepTotals=true."
        for row, text in ((3, "Prepared by | Checked by"), (4, "Ali"))
    }
    assert set(messages(upload(sheet(*rows), "?keepTotals=true"))) == {"row[4]"}


def test_a_roll_without_its_length_is_a_roll(upload: Upload) -> None:
    assert json_body(upload(sheet(HEAD, ("R1", 5, "A"), ("R 2",), ("R3", None, "deep red"))))["rollCount"] == 3


def test_a_title_above_and_a_merged_shade(upload: Upload) -> None:
    rows = (("Acme Mills",), ("Packing list 12", None, "May"), (), HEAD, ("R1", 5, "A"), ("R2", 6), ("R3", 7))
    rolls = json_body(upload(sheet(*rows, merge=("A1:C1", "C5:C7"))))["supplierRollList"]
    assert [(roll["supplierRollNo"], roll["shade"]) for roll in rolls] == [("R1", "A"), ("R2", "A"), ("R3", "A")]


def test_a_length_over_several_rolls_is_refused(upload: Upload) -> None:
    answer = upload(sheet(HEAD, ("R1", 100, "A"), ("R2", None, "A"), merge=("B2:B3",)))
    assert messages(answer) == {
        "row[3].supplierLength": "The cell is merged over several rows; write the number of each row."
    }


def test_a_wrong_heading_below_a_title_is_named_with_its_row(upload: Upload) -> None:
    found = messages(upload(sheet(("Acme Mills",), (), (*HEAD, "Colour"), ("R1", 5, "A", "x"))))
    assert [(field, text[:24]) for field, text in found.items()] == [("row[3]", "Unknown column “Colour”;")]


def test_two_rows_of_headings_refuse_the_file(upload: Upload) -> None:
    content = "Supplier Roll No,Shade\nR1,A\nSupplier Roll No,Supplier Length\nR2,5\n"
    assert "Rows 1 and 3" in error_body(upload(content), 400, 40000)["message"]


@pytest.mark.parametrize("value", [b"NaN", b"INF", b"1E999"])
def test_a_value_of_no_type_is_named_by_row_and_column(upload: Upload, value: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(HEAD, ("R1", 5, "A")))) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            target.writestr(member, source.read(member).replace(b"<v>5</v>", b"<v>" + value + b"</v>"))
    assert set(messages(upload(out.getvalue()))) == {"row[2].supplierLength"}
