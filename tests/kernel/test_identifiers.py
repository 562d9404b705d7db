"""Cleaning of identifying texts."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.identifiers import INVISIBLE, clean_identifier

ENDS = [" ", "\t", "\r\n", "\n", "\u00a0", "\u200b", "\u200d", "\ufeff", "\u2060", "\u3000", "\u200e", "\x7f", "\u2028"]


@pytest.mark.parametrize("end", ENDS)
def test_invisible_characters_leave_the_ends_and_stay_inside(end: str) -> None:
    assert clean_identifier(f"{end}A{end}1{end}{end}") == f"A{end}1"


def test_two_spellings_of_a_letter_are_one() -> None:
    assert clean_identifier("Jose\u0301") == "Jos\u00e9"


@pytest.mark.parametrize("text", ["INV/2026-1", "A", "Ünal", "Kâzım", "卷-001", "محمد", "A  B"])
def test_a_clean_text_stays(text: str) -> None:
    assert clean_identifier(text) == text


@pytest.mark.parametrize("text", ["", " ", "\u200b\ufeff", "\t\r\n"])
def test_what_has_no_visible_character_is_empty(text: str) -> None:
    assert clean_identifier(text) == ""


def test_all_white_space_and_control_characters_are_known() -> None:
    everything = map(chr, range(sys.maxunicode + 1))
    blank = {c for c in everything if c.isspace() or unicodedata.category(c) in {"Zs", "Zl", "Zp", "Cc"}}
    assert blank <= set(INVISIBLE)


def test_visible_format_characters_stay() -> None:
    assert clean_identifier("\u06001") == "\u06001"  # the Arabic number sign


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_identifier(text)
    assert clean_identifier(once) == once
    assert unicodedata.is_normalized("NFC", once)
