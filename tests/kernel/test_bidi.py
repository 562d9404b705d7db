"""Characters that change the order of others: left out of pages and printed papers."""

from __future__ import annotations

import io

import pytest
from flask import Flask, render_template_string
from pypdf import PdfReader

from app.kernel.bidi import without_overrides
from app.pdf import renderer

OVERRIDES = [chr(number) for number in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]


@pytest.mark.parametrize("sign", OVERRIDES)
def test_they_are_removed(sign: str) -> None:
    assert without_overrides(f"fatura {sign}fdp.exe") == "fatura fdp.exe"


def test_marks_of_right_to_left_texts_stay() -> None:
    assert without_overrides("שלום\u200f!") == "שלום\u200f!"


def test_pages_leave_them_out(app: Flask) -> None:
    with app.test_request_context():
        shown = render_template_string("<p>{{ name }}</p>{{ number }}", name="<b>\u202efdp.exe", number=7)
    assert shown == "<p>&lt;b&gt;fdp.exe</p>7"


def test_papers_leave_them_out() -> None:
    pdf = renderer.html_to_pdf("<p>ABC \u202eDEF")
    assert "ABC DEF" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
