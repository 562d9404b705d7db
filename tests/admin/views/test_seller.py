"""Page of the seller profile: data, logo, invalid values."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.einvoices import sellers
from tests.admin.client import submit_form
from tests.einvoices.helpers import png_logo

SignedIn = Callable[..., Page]
SELLER = "/admin/settings/seller"


def test_seller_and_logo_are_changed(signed_in: SignedIn) -> None:
    page = signed_in("billing")
    page.get_by_role("link", name="Seller").click()
    page.get_by_label("Company name").fill("Güneş Ticaret A.Ş.")
    page.get_by_label("Number prefix").fill("GT")
    page.get_by_label("Default VAT rate").fill("10")
    page.get_by_label("Language of the PDF").select_option("en")
    page.get_by_label("Country").select_option("India")
    page.get_by_label("Time zone").select_option("that of the country")
    page.get_by_label("The prices of sales invoices include VAT").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    expect(page.get_by_label("Company name")).to_have_value("Güneş Ticaret A.Ş.")
    profile = sellers.profile_of(1)
    assert (profile.prefix, profile.language, profile.default_vat_rate) == ("GT", "en", 10)
    assert (profile.country, profile.timezone, profile.prices_include_vat) == ("IN", "Asia/Kolkata", True)
    page.get_by_label("Image file").set_input_files({"name": "l.png", "mimeType": "image/png", "buffer": png_logo()})
    page.get_by_role("button", name="Upload").click()
    logo = page.get_by_alt_text("Current logo")
    expect(logo).to_be_visible()
    assert logo.evaluate("image => image.complete && image.naturalWidth > 0")
    page.get_by_label("Image file").set_input_files({"name": "l.png", "mimeType": "image/png", "buffer": b"text"})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("Expected a PNG or JPEG")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No logo")).to_be_visible()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("prefix", "küçük", "Use 1 to 10 capital letters"),
        ("prefix", "A\n", "Use 1 to 10 capital letters"),
        ("name", " ", "required"),
        ("default_vat_rate", "101", "between 0 and 100"),
        ("default_vat_rate", "1.234", "at most 2 decimals"),
        ("timezone", "Mars/Olympus", "Not a valid choice"),
        ("country", "XX", "Not a valid choice"),
        ("country", "", "required"),
        ("address", "x" * 1001, "1000"),
        ("bank", "a\0b", "at most 300 characters"),
    ],
)
def test_invalid_values_are_reported_and_not_stored(
    create_user: Callable[..., User], signed_in_client: Callable[..., FlaskClient], field: str, value: str, message: str
) -> None:
    user = create_user("billing")
    client = signed_in_client(user)
    valid = {"name": "Shop", "prefix": "EA", "language": "tr", "currency": "TRY", "default_vat_rate": "20"}
    fields = {**valid, "country": "TR", "timezone": "UTC", "provider": "null", field: value}
    answer = submit_form(client, SELLER, page=SELLER, **fields)
    assert answer.status_code == 200
    assert message in answer.text
    assert sellers.profile_of(user.id).name == user.name


def test_the_vat_rate_is_typed_and_shown_as_the_language_writes_it(
    create_user: Callable[..., User], signed_in_client: Callable[..., FlaskClient]
) -> None:
    user = create_user("billing", language="tr")
    client = signed_in_client(user)
    fields = {"name": "Shop", "prefix": "EA", "language": "tr", "currency": "TRY", "country": "TR", "timezone": "UTC"}
    assert submit_form(client, SELLER, page=SELLER, **fields, default_vat_rate="18,5").status_code == 303
    assert sellers.profile_of(user.id).default_vat_rate == Decimal("18.5")
    assert 'value="18,5"' in client.get(SELLER).text
    refused = submit_form(client, SELLER, page=SELLER, **fields, default_vat_rate="18.5")
    assert (refused.status_code, 'value="18.5"' in refused.text) == (200, True)
