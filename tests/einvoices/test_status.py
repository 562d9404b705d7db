"""Words of providers: one key in Python and in SQL, so that a filter finds what a step allows."""

from __future__ import annotations

import pytest
from sqlalchemy import Text, func, literal, select

from app.einvoices.status import TURKISH_I, Status, is_own_word, meaning_of, word_key
from app.extensions import db
from app.kernel.http.app import Hub


@pytest.mark.parametrize(
    ("word", "same"),
    [("REDDEDİLDİ", "reddedildi"), ("İptal", "iptal"), ("KALDI", "kaldı"), ("Ödendi", "ÖDENDİ"), ("ΤΕΛΟΣ", "τελοσ")],
)
def test_letter_case_makes_no_difference_also_in_turkish(word: str, same: str) -> None:
    assert word_key(word) == word_key(same)
    assert meaning_of(word, {word_key(same): "rejected"}) == Status.REJECTED


def test_the_key_in_sql_is_the_same(app: Hub) -> None:
    letters = [chr(code) for code in (*range(0x20, 0x180), *range(0x370, 0x530)) if chr(code).isalpha()]
    text = "".join(letters)
    in_sql = db.session.scalar(select(func.lower(func.translate(literal(text, Text()), *TURKISH_I))))
    assert in_sql == word_key(text)


def test_an_own_word_is_known_in_every_spelling() -> None:
    assert [is_own_word(word) for word in ("queued", "FAILED", "FAİLED", "failed!")] == [True, True, True, False]
