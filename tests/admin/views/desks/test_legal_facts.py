"""Facts for legal formats on the pages of draft and seller: stored, kept after a refusal, and listed when they lack."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.einvoices import sellers
from app.einvoices.lifecycle import drafts
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import Opener, check_page, sign_in
from tests.admin.views.desks.test_einvoice_desk import NEW, TYPED, newest, save
from tests.factories import a_draft

FACTS = {
    "buyer-tax_scheme": "vkn",
    "buyer-tax_id": "1234567890",
    "buyer-postal_address-city": "Bursa",
    "buyer-postal_address-country": "TR",
    "due_date": "2027-01-15",
    "rounding_amount": "-0.01",
    "payment-iban": "TR330006100519786457841326",
    "scenario": "TEMELFATURA",
    "reverse_charge": "false",
    "unit": "MTR",
    "vat_category": "S",
    "serials": "S1, S2",
    "expiry": "2027-01-31",
    "is_service": "false",
}


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    """Integrator with the e-invoice module, whose e-invoices must be ready for UBL-TR."""
    user = sample_data.enable_module(create_user("integrator", name="Mağaza"))
    sample_data.make_seller(user)
    with unit_of_work():
        sellers.save(user.id, actor="test", legal_profiles=["ubl-tr"])
    return user


@pytest.fixture
def client(signed_in_client: Callable[..., FlaskClient], owner: User) -> FlaskClient:
    return signed_in_client(owner)


def test_facts_are_stored_and_shown_and_removed_by_a_blank(client: FlaskClient) -> None:
    answer = submit_form(client, NEW, page=NEW, **{**TYPED, **FACTS})
    assert answer.status_code == 303
    draft = newest()
    assert draft.buyer_legal == {"tax_scheme": "vkn", "postal_address": {"city": "Bursa", "country": "TR"}}
    assert draft.legal == {
        "payment": {"iban": "TR330006100519786457841326"},
        "scenario": "TEMELFATURA",
        "reverse_charge": False,
    }
    [item] = draft.items
    assert (item.unit, item.vat_category, item.serials, item.is_service) == ("MTR", "S", ["S1", "S2"], False)
    page = client.get(f"/admin/einvoices/{draft.id}/edit").text
    assert 'name="payment-iban" type="text" value="TR330006100519786457841326"' in page
    blank = dict.fromkeys(FACTS, "") | {"buyer-tax_id": "1234567890"}
    save(client, draft, **blank)
    draft = newest()
    assert (draft.legal, draft.buyer_legal, draft.due_date, draft.items[0].unit) == (None, None, None, None)


def test_a_wrong_fact_is_named_beside_its_field(client: FlaskClient) -> None:
    wrong = {**FACTS, "buyer-tax_id": "1234567891", "unit": "ROLLS", "rounding_amount": "x"}
    answer = submit_form(client, NEW, page=NEW, **{**TYPED, **wrong})
    assert answer.status_code == 422
    assert 'id="rounding_amount-note"' in answer.text
    assert 'id="line-1-unit-note"' in answer.text
    assert 'value="ROLLS"' in answer.text
    answer = submit_form(client, NEW, page=NEW, **{**TYPED, **FACTS, "rounding_amount": "", "buyer-tax_id": "1"})
    assert 'id="buyer-tax_id-note"' in answer.text


def test_the_seller_keeps_facts_and_parts_that_the_page_does_not_have(client: FlaskClient, owner: User) -> None:
    path = "/admin/settings/seller"
    with unit_of_work():
        address = {"additional": "2. kat", "city": "İzmir"}
        sellers.save(owner.id, actor="test", postal_address=address, payment={"means": "58"})
    fields = {
        **{"name": "Mağaza", "prefix": "ABC", "default_vat_rate": "20", "language": "tr", "currency": "TRY"},
        **{"country": "TR", "timezone": "Europe/Istanbul", "provider": "null"},
        "postal_address__city": "Bursa",
        "legal_profiles": ["ubl-tr", "en16931"],
        "payment_days": "30",
        "payment__iban": "TR330006100519786457841326",
        "tax_scheme": "",
        "tax_rule": "per_rate",
    }
    answer = submit_form(client, path, page=path, **fields)
    assert answer.status_code == 303
    profile = sellers.profile_of(owner.id)
    assert profile.legal == {
        "postal_address": {"additional": "2. kat", "city": "Bursa"},
        "payment": {"means": "58", "iban": "TR330006100519786457841326"},
    }
    assert (profile.legal_profiles, profile.payment_days, profile.tax_scheme) == (["ubl-tr", "en16931"], 30, None)


def test_the_pages_list_what_lacks(open_page: Opener, owner: User) -> None:
    with unit_of_work():
        draft = drafts.create(a_draft(), owner.id, f"user:{owner.id}")

    def visit(path: str) -> Callable[[Page], object]:
        return lambda page: (sign_in(page, owner), page.goto(path))

    def visit_checklist(page: Page) -> None:
        visit(f"/admin/einvoices/{draft.id}")(page)
        expect(page.locator("#readiness")).to_contain_text("items.0.unit")

    check_page(open_page, "legal-checklist", visit_checklist)
    check_page(open_page, "legal-editor", visit(f"/admin/einvoices/{draft.id}/edit"))
    check_page(open_page, "legal-seller", visit("/admin/settings/seller"))
