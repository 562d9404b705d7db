"""CSV files: encodings, separators, line ends, quotation marks."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.tables import csv_reader
from app.tables.layout import UnreadableTable
from tests.tables.tables import read, values
from tests.timing import assert_linear

PLAIN = "code,note,length\nA,one,2.5\nB,two,3\n"
EXPECTED = [
    {"code": "A", "note": "one", "length": Decimal("2.5")},
    {"code": "B", "note": "two", "length": Decimal(3)},
]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.encode("utf-16"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", ";").replace("2.5", "2,5"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        "SEP=|\r\n" + PLAIN.replace(",", "|").replace("\n", "\r\n"),
        "\ufeffsep=,\n" + PLAIN,
        "\n ,, \n" + PLAIN + "\n,,\n",
        PLAIN.replace("one", '"one"').replace("\n", ",\n"),
    ],
)
def test_every_dialect_gives_the_same_rows(content: str | bytes) -> None:
    assert values(content) == EXPECTED


def test_rows_are_counted_as_an_editor_counts_them() -> None:
    rows = read('sep=;\ncode;note\n\nA;"two\nlines"\nB;x\n')
    assert [(row.number, row.values["note"]) for row in rows] == [(4, "two\nlines"), (6, "x")]


@pytest.mark.parametrize(
    "content",
    [
        'code,note,length\nA,"one,1\nB,two,2\nC,three,3\n',
        'code,note,length\nA,"one,1\nB,two,2\nC,three,3\nD,"four",4\n',
        'code,note,length\r\nA,"one,1\r\nB,two,2\r\nC,three,3\r\n',
    ],
    ids=["never closed", "closed by another row", "windows"],
)
def test_an_open_quotation_mark_loses_its_own_row_only(content: str) -> None:
    rows = {row.values["code"]: row for row in read(content)}
    assert rows["A"].fault == "A quotation mark is opened and not closed."
    assert (rows["B"].values["note"], rows["C"].values["length"]) == ("two", 3)
    assert not rows["B"].fault


def test_the_columns_are_limited() -> None:
    """A page that offers a choice for each of 9,000 headings has 19 MB."""
    assert values(PLAIN.replace("\n", "," * 9000 + "\n")) == EXPECTED
    with pytest.raises(UnreadableTable, match="more than 50 columns"):
        read(PLAIN.replace("length", "length," + ",".join(f"more {number}" for number in range(50))))


def test_a_cell_beyond_the_columns_is_a_fault() -> None:
    [row] = read("code,length\nA,100,2\n")
    assert row.fault == "The row has more cells than the table has columns."


def test_a_wrong_character_refuses_the_file_with_its_row() -> None:
    content = PLAIN.encode() * 20_000 + "C,ışık,1\n".encode("cp1254") + PLAIN.encode()
    with pytest.raises(UnreadableTable, match="Row 60001 is not UTF-8"):
        read(content)
    with pytest.raises(UnreadableTable, match="Row 3 is not UTF-8"):
        read("code\rA\rş\r".encode("cp1254"))


@pytest.mark.parametrize(
    "code", ["8.90123E+12", "8,9E+15", "12-Mar", "Mar-26", "3.Oca", "TRUE", "yanlış", "#N/A", "#REF!", "#DEĞER!"]
)
def test_what_a_program_made_of_a_code_is_a_fault(code: str) -> None:
    [row] = read(f'code,note\n"{code}",x\n')
    assert list(row.faults) == ["code"]


@pytest.mark.parametrize("code", ["8E12", "12-3", "3-13", "E+5", "A1.5E+3", "MAR-A", "2026-03", "00123", "#1"])
def test_other_codes_are_taken_as_they_are(code: str) -> None:
    assert values(f"code\n{code}\n") == [{"code": code}]


def test_dates_need_a_format() -> None:
    assert values("code,day\nA,2026-11-20\n") == [{"code": "A", "day": "2026-11-20"}]
    [row] = read("code,day\nA,20.11.2026\n")
    assert "--date-format dd.mm.yyyy" in row.faults["day"]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["C,note\n" + 'A,"x\n' * 2, '"' * 2, 'C\n"', "C,note\n" + 'A,"\n' * 2])
def test_the_time_grows_with_the_size_alone(shape: str) -> None:
    assert_linear(read, lambda count: "code,note\n" + shape * count, 2500)


def test_thousands_of_rows_that_open_and_close_quotation_marks_are_not_read_a_hundred_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = []
    skip = csv_reader._Lines.skip
    monkeypatch.setattr(csv_reader._Lines, "skip", lambda lines: taken.append(1) or skip(lines))
    rows = read("code,note\n" + 'a",",\n' * 10_000)
    assert len(rows) == 10_000
    assert all(row.fault for row in rows)
    assert len(taken) < 13 * len(rows)


@pytest.mark.parametrize(
    "content",
    [
        'code,length\nA,"1.250"\nB,"1.250,50"\n',
        "code\tlength\nA\t1.250\nB\t57,5\n",
        'code,length\nA,1.250\nB,"57,5"\n',
    ],
)
def test_a_decimal_comma_further_down_makes_a_point_ambiguous(content: str) -> None:
    first, second = read(content)
    assert (list(first.faults), first.rejected) == (["length"], {"length": "1.250"})
    assert not second.faults
    assert values(content.split("B", maxsplit=1)[0])[0]["length"] == Decimal("1.25")


def test_texts_of_several_lines_are_no_open_quotation_marks() -> None:
    assert values('code,note\nA,"one, two\nthree"\n')[0]["note"] == "one, two\nthree"


def test_a_long_cell_is_refused() -> None:
    [row] = read(f"code,note\nA,{'x' * 10_001}\n")
    assert row.faults["note"] == "The cell holds more than 10000 characters."
