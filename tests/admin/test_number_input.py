"""Numbers as people type and paste them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask_babel import force_locale

from app.admin.forms.number_input import UNREADABLE, read_number
from app.admin.i18n import formats
from app.kernel.http.app import Hub


def read(app: Hub, text: str, language: str = "en") -> object:
    with app.test_request_context("/admin/sign-in", headers={"Accept-Language": language}), force_locale(language[:2]):
        return read_number(text)


@pytest.mark.parametrize(
    ("text", "language", "number"),
    [
        ("\u00a01,234.50 ", "en", "1234.50"),
        ("1.234,50", "tr", "1234.50"),
        ("12,34,567.5", "en-IN", "1234567.5"),
        ("1,00,000", "en-IN", "100000"),
        ("99,99,99,99,99,999", "en-IN", "9999999999999"),
    ],
)
def test_a_number_is_read(app: Hub, text: str, language: str, number: str) -> None:
    assert read(app, text, language) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["12,34", "1,2345", "1,23,45", "123,45,678", "1,234,56", "12,34,567,8", ",12,345", "１"]
)
def test_misplaced_separators_are_refused(app: Hub, text: str) -> None:
    assert read(app, text) is UNREADABLE


@pytest.mark.parametrize("language", ["en", "tr", "en-IN"])
@pytest.mark.parametrize("number", ["0.5", "1234.5", "100000.25", "12345678901.75"])
def test_what_a_page_shows_can_be_pasted(app: Hub, language: str, number: str) -> None:
    with app.test_request_context("/admin/sign-in", headers={"Accept-Language": language}), force_locale(language[:2]):
        assert read_number(formats.money(Decimal(number))) == Decimal(number)
