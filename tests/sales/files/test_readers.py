"""Files in and out: the command line's import of four kinds of file, and exports that it reads back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskClient
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from app.extensions import db
from app.kernel.http.app import Hub
from app.sales.files import export
from app.sales.files.readers import open_source
from app.sales.models.invoices import SalesInvoice
from app.tables.layout import Choices
from tests.factories import a_sale, an_item
from tests.sales.helpers import Person, a_person, brought_to, imported

Run = Callable[..., Result]
HEADS = "invoice_no,invoice_date,priority,customer_code,customer_name,item_name,item_code,quantity,mrp,expiry_date"


@pytest.fixture
def run(app: Hub) -> Run:
    return lambda *words: app.test_cli_runner().invoke(args=["sales", "import", *map(str, words)])


def stored() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(SalesInvoice)) or 0


def a_row(number: str, **facts: Any) -> dict[str, Any]:
    row = dict.fromkeys(HEADS.split(","))
    given = {
        "invoice_no": number,
        "invoice_date": "2025-01-18",
        "customer_code": "C1",
        "customer_name": "LifeCare",
        "item_name": "Dolo",
        "item_code": "D650",
        "quantity": 2,
        "mrp": "3.50",
    }
    return {**row, **given, **facts}


def a_csv(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, HEADS.split(","), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def an_xlsx(path: Path, rows: list[dict[str, Any]]) -> Path:
    book = Workbook()
    book.active.append(HEADS.split(","))
    for row in rows:
        book.active.append([row[head] for head in HEADS.split(",")])
    book.save(path)
    return path


class TestCommand:
    @pytest.mark.parametrize("kind", ["json", "ndjson"])
    def test_json(self, run: Run, tmp_path: Path, kind: str) -> None:
        good, bad = [a_sale() for _ in range(3)], a_sale(items=[])
        text = json.dumps([*good, bad]) if kind == "json" else "\n".join(map(json.dumps, [*good, bad]))
        file = tmp_path / f"day.{kind}"
        file.write_text(text)
        result = run(file)
        assert result.exit_code == 1
        assert "3 imported, 0 already there, 1 refused." in result.output
        [refused] = [json.loads(line) for line in (tmp_path / "day.refused.ndjson").read_text().splitlines()]
        assert refused["invoice"]["invoice_no"] == bad["invoice_no"]
        assert "items: Send 1 to 2000 items." in refused["reason"]
        assert "3 already there" in run(file).output
        assert stored() == 3

    @pytest.mark.parametrize("write", [a_csv, an_xlsx])
    def test_tables_group_rows_by_number(
        self, run: Run, tmp_path: Path, erp: FlaskClient, write: Callable[..., Path]
    ) -> None:
        rows = [
            a_row("N-1", priority="HIGH"),
            a_row("N-1", priority="HIGH", item_code="X", quantity=1, mrp="10", expiry_date="2027-01-31"),
            a_row("N-2", quantity="many"),
            a_row("N-3"),
        ]
        file = write(tmp_path / f"day.{'csv' if write is a_csv else 'xlsx'}", rows)
        result = run(file)
        assert "2 imported, 0 already there, 1 refused." in result.output
        [invoice] = erp.get("/api/sales/invoices/?search=N-1").json["results"]
        assert (invoice["total_amount"], invoice["priority"], len(invoice["items"])) == (17.0, "HIGH", 2)
        assert invoice["items"][1]["expiry_date"] == "2027-01-31"
        [refused] = csv.DictReader(io.StringIO((tmp_path / "day.refused.csv").read_text()))
        assert refused["invoice_no"] == "N-2"
        assert refused["reason"] == "row 4: quantity: A valid number is required."

    def test_semicolons_separate_where_commas_are_decimal_signs(
        self, run: Run, tmp_path: Path, erp: FlaskClient
    ) -> None:
        rows = [a_row("N-1", quantity=2, mrp="12,50", item_code="7,5")]
        assert run(a_csv(tmp_path / "day.csv", rows, delimiter=";")).exit_code == 0
        [invoice] = erp.get("/api/sales/invoices/").json["results"]
        assert (invoice["total_amount"], invoice["items"][0]["item_code"]) == (25.0, "7,5")

    def test_only_the_first_row_need_tell_of_the_invoice(self, run: Run, tmp_path: Path, erp: FlaskClient) -> None:
        blank = dict.fromkeys(("invoice_date", "customer_code", "customer_name"))
        rows = [a_row("N-1"), a_row("N-1", **blank), a_row("", **blank), a_row("N-2")]
        assert run(a_csv(tmp_path / "day.csv", rows)).exit_code == 0
        assert [len(one["items"]) for one in erp.get("/api/sales/invoices/").json["results"]] == [1, 3]

    def test_rows_that_contradict_each_other_leave_no_half_invoice(self, run: Run, tmp_path: Path) -> None:
        rows = [a_row("N-1"), a_row("N-1", customer_name="Other"), a_row("N-1"), a_row("N-2")]
        assert "1 imported, 0 already there, 1 refused." in run(a_csv(tmp_path / "day.csv", rows)).output
        refused = list(csv.DictReader(io.StringIO((tmp_path / "day.refused.csv").read_text())))
        reason = "rows 2-4: customer_name: Row 3 says something else than row 2."
        assert [row["reason"] for row in refused] == [reason] * 3

    def test_a_mended_file_of_refusals_can_be_imported(self, run: Run, tmp_path: Path) -> None:
        run(a_csv(tmp_path / "day.csv", [a_row("N-1", quantity="x"), a_row("N-1", quantity=1)]))
        refused = tmp_path / "day.refused.csv"
        refused.write_text(refused.read_text().replace(",x,", ",7,"))
        result = run(refused)
        assert result.exit_code == 0, result.output
        assert stored() == 1

    def test_dates_and_formulas_of_a_refused_sheet_come_back_as_they_were(
        self, run: Run, tmp_path: Path, erp: FlaskClient
    ) -> None:
        row = a_row("N-1", invoice_date=date(2025, 1, 18), expiry_date=date(2027, 1, 31), quantity=0)
        run(an_xlsx(tmp_path / "day.xlsx", [row | {"item_name": "-5 mg"}]))
        refused = tmp_path / "day.refused.csv"
        assert ",'-5 mg," in refused.read_text()
        refused.write_text(refused.read_text().replace(",0,", ",7,"))
        result = run(refused)
        assert result.exit_code == 0, result.output
        [invoice] = erp.get("/api/sales/invoices/?search=N-1").json["results"]
        [item] = invoice["items"]
        assert (invoice["invoice_date"], item["expiry_date"]) == ("2025-01-18", "2027-01-31")
        assert (item["name"], item["quantity"]) == ("-5 mg", 7)

    def test_texts_that_a_sheet_holds_as_numbers(self, run: Run, tmp_path: Path, erp: FlaskClient) -> None:
        row = a_row("N-1", invoice_no=77282, customer_code=889, item_code=650, quantity=2.0, mrp=3.5)
        result = run(an_xlsx(tmp_path / "day.xlsx", [row]))
        assert result.exit_code == 0, result.output
        [invoice] = erp.get("/api/sales/invoices/?search=77282").json["results"]
        assert (invoice["customer"]["code"], invoice["items"][0]["item_code"]) == ("889", "650")
        assert invoice["total_amount"] == 7

    def test_what_stands_before_a_broken_row_is_imported(self, run: Run, tmp_path: Path) -> None:
        rows = [a_row("N-1"), a_row("N-2"), a_row("N-3", item_name="x" * 200_000)]
        result = run(a_csv(tmp_path / "day.csv", rows))
        assert "1 refused." in result.output
        assert "row 4: row: The row is not CSV: field larger than" in (tmp_path / "day.refused.csv").read_text()
        assert stored() == 2

    def test_all_or_nothing(self, run: Run, tmp_path: Path) -> None:
        result = run(a_csv(tmp_path / "day.csv", [a_row("N-1"), a_row("N-2", quantity=0)]), "--atomic")
        assert result.exit_code == 1
        assert "0 imported" in result.output
        assert "Nothing was imported." in result.output
        assert stored() == 0

    def test_all_or_nothing_can_be_repeated(self, run: Run, tmp_path: Path) -> None:
        file = a_csv(tmp_path / "day.csv", [a_row("N-1"), a_row("N-2")])
        run(file, "--atomic")
        assert "0 imported, 2 already there, 0 refused." in run(file, "--atomic").output

    def test_a_changed_invoice_is_refused_with_the_difference(self, run: Run, tmp_path: Path) -> None:
        run(a_csv(tmp_path / "a.csv", [a_row("N-1")]))
        run(a_csv(tmp_path / "b.csv", [a_row("N-1", mrp=4)]))
        assert "differs in items.0.mrp" in (tmp_path / "b.refused.csv").read_text()

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("a.txt", b"", "Expected a file that ends with"),
            ("a.csv", b"invoice_no,nonsense\n", "Unknown column: nonsense"),
            ("a.csv", b"invoice_no\n", "Missing columns: invoice_date"),
            ("a.csv", b"\xff\xfe\x00", "not UTF-8"),
            ("a.xlsx", b"PK\x03\x04 no", "cannot be read"),
            ("a.json", b"{}", "Refused invoices"),
        ],
    )
    def test_other_files(self, run: Run, tmp_path: Path, name: str, content: bytes, words: str) -> None:
        file = tmp_path / name
        file.write_bytes(content)
        result = run(file)
        assert (result.exit_code, words in result.output) == (1, True), result.output


class TestReading:
    def test_a_large_table_shows_progress_while_it_is_read(self, tmp_path: Path) -> None:
        file = a_csv(tmp_path / "year.csv", [a_row(f"N-{count}") for count in range(4500)])
        shown: list[int] = []

        @contextmanager
        def progress(size: int) -> Iterator[Callable[[int], None]]:
            assert size == file.stat().st_size
            yield shown.append

        with file.open("rb") as stream, open_source(file, stream, Choices(), progress) as source:
            assert len(shown) == 5
            assert shown == sorted(shown)
            assert shown[0] < shown[-1] <= file.stat().st_size
            assert len(list(source.entries)) == 4500

    def test_the_command_shows_it(self, run: Run, tmp_path: Path) -> None:
        output = run(a_csv(tmp_path / "day.csv", [a_row("N-1")])).output
        assert output.index("Reading") < output.index("Importing")


class TestExport:
    def test_a_filtered_list_as_csv(self, erp: FlaskClient) -> None:
        high = imported(erp, priority="HIGH")
        imported(erp, priority="LOW")
        answer = erp.get("/api/sales/export/?priority=HIGH")
        assert answer.mimetype == "text/csv"
        assert answer.headers["Content-Disposition"].endswith('.csv"')
        [row] = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
        assert (row["invoice_no"], row["total_amount"], row["salesman"]) == (high, "920.00", "Ajay")

    def test_every_row_over_many_stretches(self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(export, "CHUNK", 3)
        numbers = [imported(erp) for _ in range(7)]
        rows = list(csv.DictReader(io.StringIO(erp.get("/api/sales/export/").data.decode("utf-8-sig"))))
        assert [row["invoice_no"] for row in rows] == numbers[::-1]

    def test_xlsx_with_a_row_for_each_item(self, erp: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
        ravi: Person = a_person(client_as, name="Ravi")
        number = brought_to("DELIVERED", erp, ravi)
        answer = erp.get("/api/sales/export/?format=xlsx&rows=items")
        rows = list(load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
        heads = rows[0]
        assert [row[heads.index("invoice_no")] for row in rows[1:]] == [number, number]
        assert [row[heads.index("line_total")] for row in rows[1:]] == [70, 850]

    def test_a_full_sheet_is_refused_and_not_cut_off(self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(export, "SHEET_ROWS", 1)
        imported(erp), imported(erp)
        answer = erp.get("/api/sales/export/?format=xlsx")
        assert (answer.status_code, answer.json["success"]) == (400, False)

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_formulas_stay_texts_and_come_back_as_they_were(
        self, erp: FlaskClient, run: Run, tmp_path: Path, kind: str
    ) -> None:
        evil = {"temp_name": "=HYPERLINK(1)", "remarks": "-2+3", "items": [an_item(name="@SUM(A1)"), an_item()]}
        number = imported(erp, **evil)
        before = erp.get("/api/sales/invoices/").json["results"][0]
        file = tmp_path / f"back.{kind}"
        file.write_bytes(erp.get(f"/api/sales/export/?rows=items&format={kind}").data)
        if kind == "csv":
            assert "'=HYPERLINK" in file.read_text()
        else:
            cells = [c for row in load_workbook(file).active.iter_rows() for c in row]
            assert {c.data_type for c in cells if c.value == "=HYPERLINK(1)"} == {"s"}
        result = run(file)
        assert "1 already there, 0 refused" in result.output, result.output
        assert before["invoice_no"] == number

    def test_bad_questions(self, erp: FlaskClient) -> None:
        assert erp.get("/api/sales/export/?format=pdf").status_code == 400
        assert erp.get("/api/sales/export/?page=1").status_code == 400
