"""Packing lists from CSV and XLSX files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.grn import samples
from tests.grn.helpers import error_body, json_body, rejected_fields, row_counts

ITEM = "/api/invoices/1/fabric-items/26"
ROLLS = f"{ITEM}/rolls"


@pytest.fixture
def upload(clerk: FlaskClient) -> Callable[[bytes | str], TestResponse]:
    """Function that sends a file as the packing list of item 26."""

    def send(content: bytes | str, name: str = "rolls.csv") -> TestResponse:
        raw = content.encode() if isinstance(content, str) else content
        return clerk.put(f"{ROLLS}/file", data={"file": (io.BytesIO(raw), name)}, content_type="multipart/form-data")

    return send


def _sheet(*rows: tuple[Any, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(out)
    return out.getvalue()


def test_a_formula_without_a_value_is_refused(upload: Callable[..., TestResponse]) -> None:
    before = row_counts()
    sheet = _sheet(("supplierRollNo", "supplierLength"), ("R1", 100.2), ("R2", "=100+10"))
    assert "never computed" in error_body(upload(sheet), 400, 40001)["errors"][0]["message"]
    assert rejected_fields(upload(sheet)) == {"row[3].supplierLength": None}
    assert row_counts() == before


@pytest.mark.parametrize(
    "content",
    [
        "supplierRollNo,factoryRollNo,supplierLength\nR1,F1,100.2\n\nR2,,110.6\n",
        "\ufeffSupplier Roll No;FACTORY_ROLL_NO;Supplier Length\r\nR1;F1;100,2\r\nR2;;110,6\r\n",
        samples.ROLL_FILE.replace("R100,INV-100/R100", "R1,F1").replace("R101,INV-100/R101", "R2,"),
        "Supplier Length\tSupplier Roll No\tfactoryRollNo\n100.2\tR1\tF1\n110.6\tR2\t",
        _sheet(
            ("Supplier Roll No", "Factory Roll No", "Supplier Length", None),
            ("R1", "F1", 100.2, None),
            (None, None, None, None),
            ("R2", None, 110.6, None),
        ),
        "\n \nsupplierRollNo;factoryRollNo;supplierLength; \nR1;F1;100,2\n ; \nR2; ;110,6\n\t\n",
    ],
    ids=["comma", "semicolon", "sample", "tab", "xlsx", "blank"],
)
def test_all_formats_give_the_same_rolls(upload: Callable[..., TestResponse], content: bytes | str) -> None:
    item = json_body(upload(content))
    assert (item["grnQty"], item["rollCount"]) == (210.8, 2)
    rolls_read = [(roll["supplierRollNo"], roll.get("factoryRollNo")) for roll in item["supplierRollList"]]
    assert rolls_read == [("R1", "F1"), ("R2", None)]


def test_floats_of_a_sheet_are_rounded(upload: Callable[..., TestResponse]) -> None:
    rolls = ((100, 0.1 + 0.2), (101.0, 5), (1.5, 9.4999999999), ("a", 100 / 3), ("b", 0.000001))
    item = json_body(upload(_sheet(("supplierRollNo", "supplierLength"), *rolls)))
    rolls_read = [(roll["supplierRollNo"], roll["supplierLength"]) for roll in item["supplierRollList"]]
    assert rolls_read == [("100", 0.3), ("101", 5.0), ("1.5", 9.5), ("a", 33.333333), ("b", 0.000001)]


def test_errors_have_the_row_number_of_the_file(upload: Callable[..., TestResponse]) -> None:
    content = 'supplierRollNo,supplierLength\n"R\n1",5\n\nR2,long\n,7\n'
    assert rejected_fields(upload(content)) == {"row[5].supplierLength": "long", "row[6].supplierRollNo": None}
    sheet = _sheet(("supplierRollNo", "supplierLength"), ("R1", date(2024, 1, 2)))
    assert rejected_fields(upload(sheet)) == {"row[2].supplierLength": "2024-01-02"}


@pytest.mark.parametrize("header", ["supplierRollNo,colour\nR1,red", "supplierRollNo,supplier roll no\nR1,R1"])
def test_unknown_and_repeated_columns_are_refused(upload: Callable[..., TestResponse], header: str) -> None:
    assert list(rejected_fields(upload(header))) == ["row[1]"]
    assert list(rejected_fields(upload(f"\n ,\n{header}"))) == ["row[3]"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b" \n ; \n",
        b"supplierRollNo,supplierLength\n",
        "supplierRollNo\nŞ".encode("cp1254"),
        b"PK\x03\x04 no spreadsheet",
        _sheet(("supplierRollNo",))[:-40],
    ],
    # Explicit ids: the bytes of a sheet contain the time, so each worker would collect other tests.
    ids=["empty", "lines", "blanks", "header", "encoding", "zip", "torn"],
)
def test_unreadable_files_are_refused(upload: Callable[..., TestResponse], content: bytes) -> None:
    before = row_counts()
    error_body(upload(content), 400, 40000)
    assert row_counts() == before


def test_a_zip_bomb_is_refused(upload: Callable[..., TestResponse]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"0" * (65 * 2**20))
    assert "64 MiB" in error_body(upload(out.getvalue()), 400, 40000)["message"]


def test_too_many_rolls_are_refused(upload: Callable[..., TestResponse]) -> None:
    content = "supplierRollNo\n" + "".join(f"R{n}\n" for n in range(10_001))
    assert rejected_fields(upload(content)) == {"row[10002]": None}


def test_the_file_can_be_the_body(clerk: FlaskClient) -> None:
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    as_csv = clerk.put(f"{ROLLS}/file", data=samples.ROLL_FILE, content_type="text/csv; charset=utf-8")
    assert json_body(as_csv)["grnQty"] == 210.8
    as_sheet = clerk.put(f"{ROLLS}/file", data=_sheet(("supplierRollNo",), ("R7",)), content_type=sheet)
    assert json_body(as_sheet)["rollCount"] == 1
    error_body(clerk.put(f"{ROLLS}/file", data="{}", content_type="application/json"), 415, 41500)


def test_the_file_is_required(clerk: FlaskClient) -> None:
    answer = clerk.put(f"{ROLLS}/file", data={}, content_type="multipart/form-data")
    assert list(rejected_fields(answer)) == ["file"]
