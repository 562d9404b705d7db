"""Tables of invoices that real programs and people write: ``tests/cases/sales-*``."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from app.kernel.http.app import Hub

CASES = Path(__file__).resolve().parents[2] / "cases"
Import = Callable[..., tuple[Result, dict[str, Any]]]


@pytest.fixture
def run(app: Hub, erp: FlaskClient, tmp_path: Path) -> Import:
    """Import a case; gives the result of the command and the stored invoices by number."""

    def import_case(name: str, *options: str) -> tuple[Result, dict[str, Any]]:
        file = tmp_path / name
        shutil.copy(CASES / name, file)
        result = app.test_cli_runner().invoke(args=["sales", "import", str(file), *options])
        answer = erp.get("/api/sales/invoices/?page_size=100").json
        return result, {invoice["invoice_no"]: invoice for invoice in answer["results"]}

    return import_case


def reasons(tmp_path: Path, name: str) -> dict[str, str]:
    """Reasons of refusal by invoice number."""
    with (tmp_path / f"{Path(name).stem}.refused.csv").open() as file:
        return {row["invoice_no"]: row["reason"] for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("sales-csv-first-line-sep-semicolon.csv", 1),
        ("sales-xlsx-dimension-says-6-rows-of-21.xlsx", 20),
        ("sales-xlsx-hidden-config-sheet-first.xlsx", 3),
        ("sales-xlsx-strict-open-xml.xlsx", 3),
    ],
)
def test_every_row_that_a_person_sees_is_imported(run: Import, name: str, count: int) -> None:
    result, stored = run(name)
    assert f"{count} imported, 0 already there, 0 refused." in result.output, result.output
    assert len(stored) == count


def test_rewritten_dates_need_their_format(run: Import, tmp_path: Path) -> None:
    name = "sales-csv-dates-as-excel-rewrites-them.csv"
    result, stored = run(name)
    assert (result.exit_code, stored) == (1, {})
    words = "20.11.2026 is no date as YYYY-MM-DD. Name its format, for instance --date-format dd.mm.yyyy."
    assert words in reasons(tmp_path, name)["DAT-1"]
    result, stored = run(name, "--date-format", "dd.mm.yyyy")
    assert result.exit_code == 0, result.output
    assert (stored["DAT-1"]["invoice_date"], stored["DAT-1"]["items"][0]["expiry_date"]) == ("2026-11-20", "2027-05-31")
    assert "is no date format" in run(name, "--date-format", "dd.mm")[0].output


def test_a_row_with_an_open_quotation_mark_swallows_no_others(run: Import, tmp_path: Path) -> None:
    name = "sales-csv-quotation-mark-never-closed.csv"
    result, stored = run(name)
    assert "4 imported, 0 already there, 1 refused." in result.output
    assert sorted(stored) == ["QUO-1", "QUO-3", "QUO-4", "QUO-5"]
    assert reasons(tmp_path, name) == {"QUO-2": "row 3: row: A quotation mark is opened and not closed."}


def test_a_price_that_can_mean_two_numbers_is_refused(run: Import, tmp_path: Path) -> None:
    name = "sales-csv-semicolon-thousands-dot.csv"
    _, stored = run(name)
    assert {number: invoice["items"][0]["mrp"] for number, invoice in stored.items()} == {
        "THO-2": 12.5,
        "THO-3": 1250.75,
    }
    assert "mrp: 1.250 can mean 1250 or 1.250." in reasons(tmp_path, name)["THO-1"]


def test_rows_of_an_invoice_are_gathered(run: Import) -> None:
    result, stored = run("sales-csv-sorted-by-item-not-by-invoice.csv")
    assert result.exit_code == 0, result.output
    totals = {number: (len(one["items"]), one["total_amount"]) for number, one in stored.items()}
    assert totals == {"SRT-1": (2, 80.0), "SRT-2": (1, 10.0)}


def test_another_encoding_refuses_the_file_before_anything_is_stored(run: Import) -> None:
    result, stored = run("sales-csv-windows-1254-deep-inside.csv")
    assert (result.exit_code, stored) == (1, {})
    content = (CASES / "sales-csv-windows-1254-deep-inside.csv").read_bytes()
    row = next(n for n, line in enumerate(content.split(b"\n"), 1) if not line.isascii())
    assert f"Row {row} is not UTF-8" in result.output


def test_cells_that_are_no_values_are_refused_by_row_and_column(run: Import, tmp_path: Path) -> None:
    name = "sales-xlsx-error-cells-and-codes-that-became-dates.xlsx"
    result, stored = run(name)
    assert ("0 imported, 0 already there, 3 refused." in result.output, stored) == (True, {})
    found = reasons(tmp_path, name)
    assert "item_name: The cell shows the error #N/A." in found["ERR-001"]
    assert "batch_no: The cell shows the error #REF!." in found["ERR-001"]
    for heading in ("item_code", "batch_no"):
        assert f"{heading}: A spreadsheet program made the date" in found["ERR-002"]
    assert "item_name: The number has more digits than a spreadsheet keeps." in found["ERR-003"]
    assert "batch_no: The cell holds true or false." in found["ERR-003"]


def test_prices_that_a_formula_computed_are_rounded(run: Import) -> None:
    name = "sales-xlsx-prices-computed-by-a-formula.xlsx"
    result, stored = run(name)
    assert result.exit_code == 0, result.output
    prices = {number: float(one["items"][0]["mrp"]) for number, one in stored.items()}
    assert prices == {"FML-001": 89.25, "FML-002": 3.92, "FML-003": 33.3333}
