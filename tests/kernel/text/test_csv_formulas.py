"""Formulas in CSV files: marked for every separator, and read back as they were."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.identifiers import INVISIBLE
from app.kernel.text.csv_formulas import guard_formulas, unguard_formulas
from tests.timing import assert_linear

SIGNS = "=+-@＝＋－＠"
FORMULAS = [
    *(f"{sign}1" for sign in SIGNS),
    *(f"{before}=HYPERLINK(1)" for before in ("\t", "\r", "\n", " ", '"', "\xa0", "\u200b", "\ufeff\u3000")),
    *(f"Blue{between}=1+1" for between in (";", "\t", "|", "\n", "\r\n", "; ", ';"', '\n "')),
]


def cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter) for cell in row]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_program_sees_a_formula(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow(["1", guard_formulas(text), "2"])
    for delimiter in ",;\t|":
        found = [cell.strip(f'"{INVISIBLE}') for cell in cells(file.getvalue(), delimiter)]
        assert not [cell for cell in found if cell.startswith(tuple(SIGNS))], (delimiter, found)
    assert unguard_formulas(guard_formulas(text)) == text


@pytest.mark.parametrize("text", ["T-shirt, M", "a = b", "x@example.com", "5, -3", "it's", "卷－001", ""])
def test_other_texts_stay(text: str) -> None:
    assert guard_formulas(text) == text == unguard_formulas(text)


@given(st.text(alphabet="a';|\t\n =-＝\""))
def test_every_text_comes_back(text: str) -> None:
    assert unguard_formulas(guard_formulas(text)) == text


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["\n", "'", ";", ' "', "\n'=", "="])
def test_the_time_is_linear(unit: str) -> None:
    assert_linear(guard_formulas, lambda size: unit * size, 50_000)
