"""Workbooks: sheets, cells as a person sees them, forms of the format, limits."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from app.tables.layout import UnreadableTable
from tests.tables.tables import read, values, workbook

#: A date cell has no time zone.
MARCH = datetime(2026, 3, 12)  # noqa: DTZ001
HEAD = ("code", "note", "length", "day")


def rewritten(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The workbook with each of its parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            target.writestr(member.filename, change(member.filename, source.read(member)))
    return out.getvalue()


def formatted(number_format: str) -> Callable[[Any], None]:
    """Give the first cell below the headings a number format."""

    def change(book: Any) -> None:
        book.active["A2"].number_format = number_format

    return change


class TestSheets:
    def test_hidden_sheets_are_not_read(self) -> None:
        def hide(book: Any) -> None:
            book.active.sheet_state = "hidden"
            sheet = book.create_sheet("Seen")
            sheet.append(HEAD)
            sheet.append(("B",))

        assert values(workbook(HEAD, ("A",), change=hide)) == [{"code": "B"}]

    def test_the_sheet_with_the_headings_is_meant(self) -> None:
        def add(book: Any) -> None:
            sheet = book.create_sheet("Rolls")
            sheet.append(())
            sheet.append(HEAD)
            sheet.append(("B",))

        assert values(workbook(("Summary", "=SUM(Rolls!C2:C9)"), change=add)) == [{"code": "B"}]

    def test_of_several_sheets_one_must_be_named(self) -> None:
        def add(book: Any) -> None:
            sheet = book.create_sheet("May")
            sheet.append(HEAD)
            sheet.append(("B",))

        content = workbook(HEAD, ("A",), change=add)
        with pytest.raises(UnreadableTable, match=r"Sheet, May\. Name one with --sheet"):
            read(content)
        assert values(content, sheet="May") == [{"code": "B"}]
        with pytest.raises(UnreadableTable, match="no sheet “June”"):
            read(content, sheet="June")

    def test_faults_beside_the_rows_do_not_matter(self) -> None:
        wrong = b'</sheetData><dataValidations count="x"><dataValidation type="?"/></dataValidations><hyperlinks/>'
        content = workbook(HEAD, ("A",))
        assert values(rewritten(content, lambda _, raw: raw.replace(b"</sheetData>", wrong))) == [{"code": "A"}]

    @pytest.mark.parametrize("dimension", [b"A1", b"A1:B1", b"A1:XFD1048576", b"C7:D9"])
    def test_the_dimension_is_not_believed(self, dimension: bytes) -> None:
        content = workbook(HEAD, *((f"A{n}", "x", n) for n in range(30)))
        wrong = rewritten(
            content, lambda _, raw: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % dimension, raw)
        )
        assert len(values(wrong)) == 30

    def test_an_empty_chart_beside_the_table_does_not_matter(self) -> None:
        assert values(workbook(HEAD, ("A",), change=lambda book: book.create_chartsheet("Chart", 0))) == [{"code": "A"}]

    def test_strict_open_xml_is_read(self) -> None:
        namespaces = {
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
            b"http://schemas.openxmlformats.org/officeDocument/2006/": b"http://purl.oclc.org/ooxml/officeDocument/",
        }

        def strict(_name: str, raw: bytes) -> bytes:
            for transitional, other in namespaces.items():
                raw = raw.replace(transitional, other)
            return raw

        content = rewritten(workbook(HEAD, ("A", "x", 1.5, date(2026, 3, 12))), strict)
        assert values(content) == [{"code": "A", "note": "x", "length": Decimal("1.5"), "day": "2026-03-12"}]


class TestCells:
    @pytest.mark.parametrize(
        ("cell", "code"),
        [("A", "A"), (" A\u00a0", "A"), (12, "12"), (12.0, "12"), (1.5, "1.5"), (8901234567890, "8901234567890")],
    )
    def test_codes(self, cell: Any, code: str) -> None:
        assert values(workbook(HEAD, (cell, "x"))) == [{"code": code, "note": "x"}]

    @pytest.mark.parametrize("written", [b"NaN", b"INF", b"-INF", b"1.5.5", b"1E", b"9" * 5000])
    def test_what_is_no_number_is_named_by_row_and_column(self, written: bytes) -> None:
        content = rewritten(
            workbook(HEAD, ("A", "x", 7), ("B", "y", 2)),
            lambda _, raw: raw.replace(b"<v>7</v>", b"<v>%s</v>" % written),
        )
        wrong, good = read(content)
        assert wrong.faults["length"].startswith(f"The cell shows the error {written.decode()[:50]}")
        assert (wrong.number, wrong.values["note"], good.values["length"]) == (2, "x", 2)

    def test_leading_zeros_of_a_format_are_seen(self) -> None:
        def pad(book: Any) -> None:
            book.active["A2"].number_format = "00000"

        assert values(workbook(HEAD, (123,), change=pad)) == [{"code": "00123"}]

    @pytest.mark.parametrize(
        ("number_format", "code"),
        [
            ("0000000;-0", "0000042"), ("#,##0.00", "42"), ("_(* #,##0_);_(* (#,##0)", "42"), ("[Red]0", "42"),
            ("[$-41F]000", "042"), ("#,###", "42"), ("@", "42"), ("0.00E+00", "42"), ("#,##0_ ;-#,##0 ", "42"),
        ],
    )  # fmt: skip
    def test_a_format_that_shows_the_number_alone(self, number_format: str, code: str) -> None:
        assert values(workbook(HEAD, (42,), change=formatted(number_format))) == [{"code": code}]

    @pytest.mark.parametrize(
        "number_format", ['"R-"0000', "000-000", 'General" m"', "0\\-00", "[$TL] 0.00", "0.00%", "# ?/?", "R0"]
    )
    def test_a_code_is_not_cut_to_the_number_behind_its_format(self, number_format: str) -> None:
        [row] = read(workbook(HEAD, (42, "x"), change=formatted(number_format)))
        assert row.faults["code"].startswith("The cell shows more than the number 42.")

    @pytest.mark.parametrize(
        ("written", "code"),
        [("R1_x000D_", "R1"), ("R_x005F_x000D_", "R_x000D_"), ("R_x0041_1", "RA1"), ("R_xD800_1", "R_xD800_1"),
         ("R_x12_", "R_x12_")],
    )  # fmt: skip
    def test_escaped_characters_of_the_format_are_read(self, written: str, code: str) -> None:
        assert values(workbook(HEAD, (written,))) == [{"code": code}]

    @pytest.mark.parametrize(
        ("cell", "number"),
        [
            (57.699999999999996, "57.7"),
            (100 / 3, "33.33"),
            (0.1 + 0.2, "0.3"),
            (5, "5"),
            ("2.5", "2.5"),
            (1.125, "1.125"),
        ],
    )
    def test_numbers(self, cell: Any, number: str) -> None:
        assert values(workbook(HEAD, ("A", "x", cell))) == [{"code": "A", "note": "x", "length": Decimal(number)}]

    def test_a_percentage_is_what_is_seen(self) -> None:
        def percent(book: Any) -> None:
            book.active["C2"].number_format = "0.00%"

        assert values(workbook(HEAD, ("A", None, 0.18), change=percent)) == [{"code": "A", "length": Decimal(18)}]

    @pytest.mark.parametrize(
        ("row", "column"),
        [
            ((MARCH, "x"), "code"),
            ((time(1, 30), "x"), "code"),
            ((True, "x"), "code"),
            ((8.9e18, "x"), "code"),
            (("#N/A", "x"), "code"),
            (("A", MARCH), "note"),
            (("A", "x", True), "length"),
            (("A", "x", "1,250"), "length"),
            (("A", "x", date(2026, 3, 12)), "length"),
            (("A", "x", 1, 46346), "day"),
            (("A", "x", 1, time(1, 30)), "day"),
            (("A", "x", "=1+1"), "length"),
        ],
    )
    def test_what_is_no_value_is_a_fault_of_its_column(self, row: tuple[Any, ...], column: str) -> None:
        [found] = read(workbook(HEAD, row))
        assert list(found.faults) == [column]

    def test_a_formula_counts_in_a_column_that_is_used_only(self) -> None:
        [row] = read(workbook((*HEAD, "Sum"), ("A", "x", 1, None, "=C2*2")))
        assert not row.faults


class TestLimits:
    def test_the_unpacked_size(self) -> None:
        content = rewritten(workbook(HEAD), lambda name, raw: raw + b" " * (9 * 2**20) if "sheet1" in name else raw)
        with pytest.raises(UnreadableTable, match="8 MiB"):
            read(content)

    def test_the_number_of_cells(self) -> None:
        cells = b'<sheetData><row r="1">' + b"<c/>" * 250_000 + b"</row></sheetData>"
        content = rewritten(workbook(HEAD), lambda _, raw: re.sub(rb"<sheetData>.*</sheetData>", cells, raw))
        with pytest.raises(UnreadableTable, match="100000 cells"):
            read(content)

    def test_blank_rows(self) -> None:
        rows = b"<row/>" * 2000 + b"</sheetData>"
        content = rewritten(workbook(HEAD, ("A",)), lambda _, raw: raw.replace(b"</sheetData>", rows))
        with pytest.raises(UnreadableTable, match="1000 blank rows"):
            read(content)

    def test_columns(self) -> None:
        row = b'<row r="3"><c r="ZZZ3"><v>1</v></c></row></sheetData>'
        content = rewritten(workbook(HEAD, ("A",)), lambda _, raw: raw.replace(b"</sheetData>", row))
        with pytest.raises(UnreadableTable, match="50 columns"):
            read(content)

    def test_cells_with_white_space_are_blank(self) -> None:
        row = b'<row><c r="ZZZ9" t="str"><v> </v></c></row>' * 2000 + b"</sheetData>"
        content = rewritten(workbook(HEAD, ("A",)), lambda _, raw: raw.replace(b"</sheetData>", row))
        with pytest.raises(UnreadableTable, match="1000 blank rows"):
            read(content)

    def test_cells_of_parts_with_other_names_are_counted(self) -> None:
        def rename(name: str, raw: bytes) -> bytes:
            cells = b"<sheetData>" + b'<row r="1">' + b"<c/>" * 250_000 + b"</row></sheetData>"
            return re.sub(rb"<sheetData>.*</sheetData>", cells, raw.replace(b"sheet1.xml", b"sheet1.bin"))

        source = rewritten(workbook(HEAD), rename)
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(source)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
            for member in before.infolist():
                after.writestr(member.filename.replace("sheet1.xml", "sheet1.bin"), before.read(member))
        with pytest.raises(UnreadableTable, match="100000 cells"):
            read(out.getvalue())

    def test_numbers_out_of_range_are_faults(self) -> None:
        content = workbook(HEAD, ("A", "x", 12345), (12345, "x"))
        [number, code] = read(rewritten(content, lambda _, raw: raw.replace(b"<v>12345</v>", b"<v>1e999999999</v>")))
        assert (list(number.faults), number.rejected) == (["length"], {"length": "inf"})
        assert list(code.faults) == ["code"]

    def test_entities(self) -> None:
        content = rewritten(workbook(HEAD), lambda _, raw: b'<!DOCTYPE x [<!ENTITY a "b">]>' + raw)
        with pytest.raises(UnreadableTable):
            read(content)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
            (b"PK\x03\x04", "cannot be read"),
            (workbook(), "is empty"),
        ],
        ids=["xls", "torn", "empty"],
    )
    def test_other_files(self, content: bytes, words: str) -> None:
        with pytest.raises(UnreadableTable, match=words):
            read(content)
