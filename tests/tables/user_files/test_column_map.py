"""Columns by choice: keys of headings, guesses, remembered choices, and the file of refused rows."""

from __future__ import annotations

import io

import openpyxl
import pytest

from app.extensions import bus
from app.grn.receipts.roll_files import read_roll_table
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.tables import uploads
from app.tables.layout import Choices
from app.tables.user_files import progress, remembered_columns
from app.tables.user_files.column_map import LEFT_OUT, ColumnMap, guess_column, heading_key
from app.tables.user_files.progress import Progress, Step
from app.tables.user_files.refused_rows import write_refused_rows
from tests.factories import a_user

FOREIGN = b"Bursa Mill\nTop No.;Metre;Not\nR1;10,5;x\nR2;9,5;\n"


@pytest.mark.parametrize("title", ["Roll No.", "roll_no", "rollNo", " ROLL NO", "Ｒｏｌｌ－Ｎｏ"])
def test_headings_that_are_written_differently_are_the_same(title: str) -> None:
    assert heading_key(title) == "rollno"


def test_turkish_letters_have_one_key() -> None:
    assert heading_key("SATIŞ FİYATI") == heading_key("satış fiyatı")


@pytest.mark.parametrize(("title", "column"), [("Roll-No", "a"), ("Rol No", "a"), ("Metre", LEFT_OUT), ("", LEFT_OUT)])
def test_a_heading_is_guessed_by_its_name(title: str, column: str) -> None:
    assert guess_column(title, {"rollno": "a", "length": "b"}) == column


@pytest.mark.parametrize("small", [uploads.SMALL, 0], ids=["here", "in a child"])
def test_a_file_with_foreign_headings_is_read_by_the_choice(monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(uploads, "SMALL", small)
    refused = read_roll_table(FOREIGN, ColumnMap(), Choices())
    assert refused.table.refusal is refused.refusal is not None
    assert [(each.title, each.column, list(each.samples)) for each in refused.table.headings] == [
        ("Top No.", None, ["R1", "R2"]),
        ("Metre", None, ["10,5", "9,5"]),
        ("Not", None, ["x"]),
    ]
    chosen = ColumnMap({"topno": "supplierRollNo", "metre": "supplierLength", "not": LEFT_OUT})
    found = read_roll_table(FOREIGN, chosen, Choices())
    assert [(str(roll["supplier_roll_no"]), str(roll["supplier_length"])) for roll in found.rolls] == [
        ("R1", "10.500000"),
        ("R2", "9.500000"),
    ]
    assert [each.column for each in found.table.headings] == ["supplierRollNo", "supplierLength", None]


def test_two_headings_cannot_be_one_column() -> None:
    chosen = ColumnMap({"topno": "supplierRollNo", "metre": "supplierRollNo", "not": LEFT_OUT})
    assert "comes twice" in str(read_roll_table(FOREIGN, chosen, Choices()).table.refusal.errors)  # type: ignore[union-attr]


def test_choices_are_remembered_for_their_user_and_kind(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with unit_of_work():
        mine, other = a_user().id, a_user().id
        remembered_columns.remember(mine, "rolls", {"Top No.": "supplierRollNo", "Not": LEFT_OUT})
        remembered_columns.remember(mine, "rolls", {"TOP NO": "factoryRollNo"})
    assert remembered_columns.find_columns(mine, "rolls").columns == {"topno": "factoryRollNo", "not": LEFT_OUT}
    assert not remembered_columns.find_columns(other, "rolls").columns
    assert not remembered_columns.find_columns(mine, "sales").columns
    monkeypatch.setattr(remembered_columns, "MAX_REMEMBERED", 2)
    with unit_of_work():
        remembered_columns.remember(mine, "rolls", {"Metre": "supplierLength"})
    assert len(remembered_columns.find_columns(mine, "rolls").columns) == 2
    assert "metre" in remembered_columns.find_columns(mine, "rolls").columns


def test_refused_rows_stay_what_they_are() -> None:
    content = write_refused_rows(["Code", "Qty"], [(["=1+1", 5], "Wrong\x01"), (["007", "1,5", "beside"], "Also")])
    rows = [list(row) for row in openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)]
    assert rows == [["Code", "Qty", "reason"], ["=1+1", 5, "Wrong"], ["007", "1,5", "Also"]]
    formulas = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]["A2"]
    assert formulas.data_type == "s"


def test_the_reasons_are_left_out_when_the_file_comes_again() -> None:
    content = write_refused_rows(["supplierRollNo"], [(["R1"], "Wrong")])
    assert [roll["supplier_roll_no"] for roll in read_roll_table(content, ColumnMap(), Choices()).rolls] == ["R1"]


def test_progress_is_known_to_its_user_alone(app: Hub) -> None:
    progress.reporter(1, "0000-1111", Step.STORE)(5, 10)
    assert progress.find(1, "0000-1111") == Progress(Step.STORE, 5, 10)
    assert progress.find(2, "0000-1111") is None
    assert 0 < bus.client.ttl("hub:upload:1:0000-1111") <= progress.LIFETIME  # type: ignore[operator]
    progress.note(1, "*", Step.READ)
    assert progress.find(1, "*") is None


def test_without_redis_there_is_no_progress(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "client", type(bus.client).from_url("redis://127.0.0.1:1"))
    progress.note(1, "0000-1111", Step.READ)
    assert progress.find(1, "0000-1111") is None
