"""The page of an e-invoice in all formats: facts, verdicts and documents side by side."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page

from app.accounts.models.accounts import User
from app.einvoices import sellers, tasks
from app.einvoices.documents import comparison
from app.einvoices.lifecycle import drafts, issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.schemas.einvoices import EinvoiceDraftSchema
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.conftest import Opener, check_page, sign_in
from tests.factories import a_buyer, a_draft

ADDRESS = {"street": "Sanayi Cad. 5", "district": "Nilüfer", "city": "Bursa", "postcode": "16110", "country": "TR"}
ITEM = {"name": "Poplin <150>", "quantity": 3, "unit_price": "33.35", "vat_rate": 20, "unit": "MTR"}


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    user = sample_data.enable_module(create_user("integrator", name="Mağaza"))
    sample_data.make_seller(user)
    with unit_of_work():
        sellers.save(user.id, actor="test", postal_address=ADDRESS, tax_id="4540536920", tax_scheme="vkn", prefix="ABC")
    return user


@pytest.fixture
def einvoice(owner: User) -> Einvoice:
    buyer = a_buyer(name="Müşteri Ltd. Şti.", tax_id="9000068418", tax_scheme="vkn", postal_address=ADDRESS)
    facts = sample_data.load(
        EinvoiceDraftSchema(), a_draft(buyer=buyer, items=[ITEM], currency="TRY", due_date="2030-01-31")
    )
    with unit_of_work():
        draft = drafts.create(facts, owner.id, "a test")
    with unit_of_work():
        return issue.issue(draft.id, owner.id, "a test")


def path_of(einvoice: Einvoice) -> str:
    return f"/admin/einvoices/{einvoice.id}/documents"


def row(page: str, name: str) -> list[str]:
    """The texts of the cells of a row, without its first."""
    found = re.search(rf"<strong>{name}</strong>.*?</tr>", page, re.S)
    assert found, name
    cells = re.split(r"<td", found[0])[1:]
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", each.partition(">")[2])).split()) for each in cells]


@pytest.mark.slow
def test_the_formats_stand_side_by_side(
    signed_in_client: Callable[..., FlaskClient], owner: User, einvoice: Einvoice
) -> None:
    client = signed_in_client(owner)
    assert path_of(einvoice) in client.get(f"/admin/einvoices/{einvoice.id}").text
    for name in ("ubl", "ubl-tr"):
        assert client.get(f"{path_of(einvoice)}/{name}", buffered=True).status_code == 200
    tasks.check_documents()
    page = client.get(path_of(einvoice)).text
    assert row(page, "Payable") == ["120.06 TRY"] * 3 + ["–"]
    assert row(page, "Units") == ["MTR"] * 3 + ["–"]
    assert row(page, "Type") == ["380", "380", "SATIS", "–"]
    rules = row(page, "Rules")
    assert [each.split()[0] for each in rules] == ["Valid", "Valid", "Valid", "Cannot"]
    assert "Name the GSTIN of the seller." in rules[3]
    assert [each.split()[0] for each in row(page, "Sums")] == ["Exact"] * 3 + ["–"]
    official = row(page, "Official rules")
    assert [each.split()[0] for each in official] == ["Valid", "–", "Valid", "–"]
    assert official[0].startswith("Valid en16931 1.3.16 ")
    assert "not written yet" in row(page, "Document")[1]
    assert "Poplin &amp;lt;150&gt;" in page or "Poplin &amp;lt;150&amp;gt;" in page


def test_a_long_e_invoice_has_facts_and_no_documents(
    signed_in_client: Callable[..., FlaskClient], owner: User, einvoice: Einvoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MOST_LINES", 0)
    page = signed_in_client(owner).get(path_of(einvoice)).text
    assert row(page, "Payable")[:3] == ["120.06 TRY"] * 3
    assert row(page, "Rules")[0] == "Too long for this page: download it."
    assert "<pre" not in page


def test_a_stranger_sees_nothing(
    signed_in_client: Callable[..., FlaskClient], create_user: Callable[..., User], einvoice: Einvoice
) -> None:
    stranger = sample_data.enable_module(create_user("integrator", name="Other"))
    assert signed_in_client(stranger).get(path_of(einvoice)).status_code == 404


def test_the_page_is_readable_in_each_size(open_page: Opener, owner: User, einvoice: Einvoice) -> None:
    def visit(page: Page) -> None:
        sign_in(page, owner)
        page.goto(path_of(einvoice))

    check_page(open_page, "document-comparison", visit)
