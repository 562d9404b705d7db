"""Packing lists that real programs and people write: ``tests/cases/rolls-*`` and lengths that a mill converted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.grn.helpers import error_body, json_body, rejected_fields

CASES = Path(__file__).resolve().parents[2] / "cases"
URL = "/api/invoices/1/fabric-items/26/rolls/file"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Upload = Callable[..., TestResponse]


@pytest.fixture
def upload(clerk: FlaskClient) -> Upload:
    def send(name: str, query: str = "") -> TestResponse:
        kind = SHEET if name.endswith(".xlsx") else "text/csv"
        return clerk.put(f"{URL}{query}", data=(CASES / name).read_bytes(), content_type=kind)

    return send


def lengths(answer: TestResponse) -> dict[str, float]:
    return {roll["supplierRollNo"]: roll["supplierLength"] for roll in json_body(answer)["supplierRollList"]}


def messages(answer: TestResponse) -> dict[str, str]:
    return {error["field"]: error["message"] for error in error_body(answer, 400, 40001)["errors"]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rolls-csv-quoted-decimal-comma.csv", {"R1": 100.2, "R2": 110.6}),
        ("rolls-csv-trailing-space-numbers.csv", {"R1": 100.2, "R2": 110.6}),
        ("rolls-xlsx-hidden-sheet-first.xlsx", {"R1": 100.2}),
        ("rolls-xlsx-uncomputed-formula-on-another-sheet.xlsx", {"R1": 100.2}),
    ],
)
def test_what_a_person_sees_is_stored(upload: Upload, name: str, expected: dict[str, float]) -> None:
    assert lengths(upload(name)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rolls-csv-quotation-mark-never-closed.csv", {"row[2]": "A quotation mark is opened and not closed."}),
        ("rolls-csv-same-roll-twice.csv", {"row[4].supplierRollNo": "Row 2 has the same roll number."}),
        (
            "rolls-xlsx-roll-number-became-a-date.xlsx",
            {
                "row[2].supplierRollNo": "A spreadsheet program made the date 2026-03-12 of this text. "
                "Format the column as text."
            },
        ),
        (
            "rolls-xlsx-roll-numbers-as-numbers.xlsx",
            {
                "row[2].supplierRollNo": "The number has more digits than a spreadsheet keeps. "
                "Format the column as text and enter it again.",
                "row[4].supplierRollNo": "The cell holds true or false.",
            },
        ),
    ],
)
def test_what_is_no_value_is_refused(upload: Upload, name: str, expected: dict[str, str]) -> None:
    assert messages(upload(name)) == expected


def test_a_total_row_is_asked_about(upload: Upload) -> None:
    name = "rolls-xlsx-with-total-row.xlsx"
    question = "Is this the total row? Then remove it. If it is a roll, send keepTotals=true."
    assert messages(upload(name)) == {"row[4].supplierRollNo": question}
    assert json_body(upload(name, "?keepTotals=true"))["rollCount"] == 3


@pytest.mark.parametrize(
    "title",
    [
        *("Toplam", "TOPLAM:", "Genel Toplam", "GRAND TOTAL", "sum", "YEKUN", "合计", "Toplam Metre", "Σ", "Sub-total"),
        *("Grand Total (3 rolls)", "Total 3 rolls", "Toplam : 3 top"),
    ],
)
def test_titles_of_total_rows(clerk: FlaskClient, title: str) -> None:
    content = f"supplierRollNo,supplierLength\nR1,5\n{title},5\n".encode()
    answer = clerk.put(URL, data=content, content_type="text/csv")
    assert list(messages(answer)) == ["row[3].supplierRollNo"]


@pytest.mark.parametrize("number", ["T-100", "SUMMER-1", "TOPLAMA 7", "SUBA-1", "GENEL-1", "小-1", "合-2"])
def test_other_roll_numbers_are_no_totals(clerk: FlaskClient, number: str) -> None:
    content = f"supplierRollNo,supplierLength\nR1,5\n{number},5\n".encode()
    assert json_body(clerk.put(URL, data=content, content_type="text/csv"))["rollCount"] == 2


def test_an_answer_names_a_hundred_rows_and_the_beginning_of_their_cells(clerk: FlaskClient) -> None:
    rows = "".join(f"R{n},{'x' * 9000}\n" for n in range(500))
    answer = clerk.put(URL, data=f"supplierRollNo,supplierLength\n{rows}".encode(), content_type="text/csv")
    assert len(messages(answer)) == 100
    assert len(answer.data) < 100_000


def test_a_row_that_sums_up_all_above_is_asked_about(clerk: FlaskClient) -> None:
    content = b"supplierRollNo,supplierLength\nR1,0.1\nR2,0.2\nR3,0.3\n"
    answer = clerk.put(URL, data=content, content_type="text/csv")
    assert list(messages(answer)) == ["row[4].supplierLength"]
    two = clerk.put(URL, data=content.rsplit(b"R3")[0].replace(b"0.2", b"0.1"), content_type="text/csv")
    assert json_body(two)["rollCount"] == 2


def test_lengths_that_a_mill_converted_are_rounded(clerk: FlaskClient) -> None:
    receipt: dict[str, Any] = json.loads((CASES / "grn-json-length-converted-by-the-mill.json").read_text())
    created = json_body(clerk.post("/api/invoices", json=receipt), 201)
    [item] = created["fabricItemList"]
    assert item["supplierRollList"][0]["supplierLength"] == 109.580052
    for length in (-0.0000001, 0.0000001):
        other = {**receipt, "externalId": "YD-2"}
        other["fabricItemList"][0]["supplierRollList"][0]["supplierLength"] = length
        assert rejected_fields(clerk.post("/api/invoices", json=other))
