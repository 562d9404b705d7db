"""Tables of invoices as people make them: titles above, notes below, merged cells."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskClient
from openpyxl import Workbook

from app.kernel.http.app import Hub

HEAD = ("invoice_no", "invoice_date", "customer_code", "customer_name", "item_name", "item_code", "quantity", "mrp")
DAY = date(2026, 11, 20)
Import = Callable[..., tuple[Result, dict[str, Any], dict[str, str]]]


def line(number: str | None, code: str, quantity: int | str | None = 2) -> list[Any]:
    invoice = (number, DAY, "C1", "LifeCare") if number else (None,) * 4
    return [*invoice, "Dolo", code, quantity, 3.5]


@pytest.fixture
def run(app: Hub, erp: FlaskClient, tmp_path: Path) -> Import:
    """Import a workbook of these rows; gives the result, the stored invoices and the reasons of refusal by number."""

    def import_rows(*rows: list[Any] | tuple[Any, ...], merge: tuple[str, ...] = ()) -> Any:
        book = Workbook()
        for row in rows:
            book.active.append(row)  # type: ignore[union-attr]
        for area in merge:
            book.active.merge_cells(area)  # type: ignore[union-attr]
        file = tmp_path / "day.xlsx"
        book.save(file)
        result = app.test_cli_runner().invoke(args=["sales", "import", str(file)])
        answer = erp.get("/api/sales/invoices/?page_size=100").json
        refused = tmp_path / "day.refused.csv"
        lines = list(csv.DictReader(refused.read_text().splitlines())) if refused.exists() else []
        stored = {invoice["invoice_no"]: invoice for invoice in answer["results"]}
        return result, stored, {row["invoice_no"]: row["reason"] for row in lines}

    return import_rows


def test_a_title_above_and_notes_below(run: Import) -> None:
    rows = [
        ("LifeCare Pharma Ltd",),
        (),
        ("Sales of November", None, DAY),
        (),
        HEAD,
        line("A-1", "D1"),
        line("A-2", "D2"),
    ]
    notes: list[tuple[Any, ...]] = [
        (),
        ("Prepared by: Ali",),
        ("Prepared by", None, None, "Checked by"),
        (*(None,) * 9, "Ok"),
    ]
    result, stored, reasons = run(*rows, *notes)
    assert "2 imported, 0 already there, 3 refused." in result.output, result.output
    assert sorted(stored) == ["A-1", "A-2"]
    assert reasons == {
        "Prepared by: Ali": "row 9: row: Is “Prepared by: Ali” a note and no item? Then remove the row.",
        "Prepared by": "row 10: row: Is “Prepared by | Checked by” a note and no item? Then remove the row.",
        "": "row 11: row: Is “Ok” a note and no item? Then remove the row.",
    }


def test_an_item_that_lacks_its_other_cells_refuses_its_invoice(run: Import) -> None:
    result, stored, reasons = run(HEAD, line("A-1", "D1"), [*(None,) * 4, "Dolo forte"], line("A-2", "D2"))
    assert "1 imported, 0 already there, 1 refused." in result.output, result.output
    assert sorted(stored) == ["A-2"]
    assert reasons["A-1"].startswith("rows 2-3: row: Row 3: Is “Dolo forte” a note and no item?")


def test_merged_cells_of_an_invoice(run: Import) -> None:
    rows = [line("A-1", "D1"), line(None, "D2"), line("A-2", "D3"), line(None, "D4", 7)]
    result, stored, _ = run(
        HEAD, *rows, merge=tuple(f"{column}{row}:{column}{row + 1}" for column in "ABCD" for row in (2, 4))
    )
    assert result.exit_code == 0, result.output
    items = {number: [item["item_code"] for item in invoice["items"]] for number, invoice in stored.items()}
    assert items == {"A-1": ["D1", "D2"], "A-2": ["D3", "D4"]}


def test_a_quantity_over_several_items_is_refused(run: Import) -> None:
    result, stored, reasons = run(HEAD, line("A-1", "D1"), line(None, "D2", None), line("A-2", "D3"), merge=("G2:G3",))
    assert (result.exit_code, sorted(stored)) == (1, ["A-2"])
    assert "Row 3: The cell is merged over several rows; write the number of each row." in reasons["A-1"]


def test_two_rows_of_headings_refuse_the_file(run: Import) -> None:
    result, stored, _ = run(HEAD, line("A-1", "D1"), HEAD, line("A-2", "D2"))
    assert "Rows 1 and 3 can both be the headings." in result.output
    assert stored == {}
