"""Editor of e-invoice drafts: a new draft, live totals, refusals that keep what was typed, and foreign changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.accounts.models.accounts import User
from app.einvoices.lifecycle import credit_notes, drafts, issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.queries import lookup
from app.einvoices.status import Type
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.actions import confirm
from tests.admin.client import newer_version, submit_form
from tests.admin.conftest import Opener, check_page, sign_in, take_screenshot

NEW = "/admin/einvoices/new"
LINE = {"name": "Tişört", "sku": "TS-1", "quantity": "2", "unit_price": "50", "discount_amount": "", "vat_rate": "20"}
TYPED = {"buyer-name": "Ayşe Yılmaz", "currency": "TRY", **LINE}
#: Quantity, price, discount and VAT rate of lines whose sums need each rule of rounding.
LINES = [("3", "33,335", "", "20"), ("1,5", "0,3333333333", "0,01", "10"), ("1", "0,125", "", "20")]


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    """Integrator with the e-invoice module and a complete seller."""
    user = sample_data.enable_module(create_user("integrator", name="Mağaza"))
    sample_data.make_seller(user)
    return user


@pytest.fixture
def client(signed_in_client: Callable[..., FlaskClient], owner: User) -> FlaskClient:
    return signed_in_client(owner)


def edit_path(einvoice: Einvoice) -> str:
    return f"/admin/einvoices/{einvoice.id}/edit"


def save(client: FlaskClient, einvoice: Einvoice, **fields: Any) -> Any:
    version = clock.iso(lookup.find(einvoice.id, None).updated_at)
    path = edit_path(einvoice)
    return submit_form(client, path, page=path, **{**TYPED, "version": version, **fields})


def newest() -> Einvoice:
    found = db.session.scalars(select(Einvoice.id).order_by(Einvoice.id.desc()).limit(1)).one()
    return lookup.find(found, None)


@pytest.mark.main_job
def test_einvoice_is_issued_from_nothing_in_six_clicks(open_page: Opener, owner: User) -> None:
    page = sign_in(open_page(), owner)
    clicks = 0

    def click(role: Any, name: str) -> None:
        nonlocal clicks
        page.get_by_role(role, name=name).first.click()
        clicks += 1

    click("link", "E-invoices")
    click("link", "New e-invoice")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Ayşe Yılmaz")
    page.get_by_label("Name of the item").focus()
    for value in ("Tişört", "TS-1", "3", "33.335", "0.01", "20"):
        page.keyboard.type(value)
        page.keyboard.press("Tab")
    expect(page.locator("[data-sum=total]")).to_have_text("120.00")
    click("button", "Save draft")
    expect(page.get_by_role("status").first).to_contain_text("Draft created.")
    expect(page.locator(".totals")).to_contain_text("120.00 TRY")
    click("button", "Issue")
    confirm(page, "Issue")
    clicks += 1
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"EA-\d{4}-000001"))
    assert clicks <= 6
    assert newest().status == "issued"


@pytest.mark.parametrize(("currency", "digits"), [("TRY", 2), ("JPY", 0), ("BHD", 3)])
def test_live_totals_are_those_of_the_server(open_page: Opener, owner: User, currency: str, digits: int) -> None:
    page = sign_in(open_page(language="tr"), owner)
    page.goto(NEW)
    page.locator("[name=buyer-name]").fill("Ayşe")
    page.locator("[name=currency]").select_option(currency)
    for number, values in enumerate(LINES):
        if number:
            page.locator("[data-add-line]").click()
        row = page.locator("tbody tr").nth(number)
        row.locator("[name=name]").fill("Kumaş")
        discount = "" if not digits else values[2]
        typed = {"quantity": values[0], "unit_price": values[1], "discount_amount": discount, "vat_rate": values[3]}
        for name, value in typed.items():
            row.locator(f"[name={name}]").fill(value)
    shown = {name: page.locator(f"[data-sum={name}]").inner_text() for name in ("discount", "net", "vat", "total")}
    page.locator("form.draft button[type=submit]:not([name])").click()
    expect(page.locator("#facts")).to_be_visible()
    stored = newest()
    names = {"discount": "discount_total", "net": "subtotal", "vat": "tax_total", "total": "grand_total"}
    assert shown == {name: f"{getattr(stored, column):.{digits}f}".replace(".", ",") for name, column in names.items()}


class TestWithoutBrowser:
    def create(self, client: FlaskClient, **fields: Any) -> Any:
        return submit_form(client, NEW, page=NEW, **{**TYPED, **fields})

    def test_draft_has_what_was_typed(self, client: FlaskClient, owner: User) -> None:
        account = sample_data.open_account(owner, "Main")
        fields = {"buyer-tax_id": "123", "buyer-is_business": "true", "marketplace": "n11", "notes": "Soon"}
        answer = self.create(client, **fields, provider_account_id=str(account.id))
        draft = newest()
        assert answer.headers["Location"] == f"/admin/einvoices/{draft.id}"
        assert (draft.owner_id, draft.provider_account_id, draft.currency) == (owner.id, account.id, "TRY")
        assert (draft.buyer_tax_id, draft.buyer_is_business, draft.marketplace, draft.notes) == (
            "123",
            True,
            "n11",
            "Soon",
        )
        assert (draft.marketplace_order_no, draft.grand_total) == (None, 120)

    @pytest.mark.parametrize(
        ("fields", "name", "message"),
        [
            ({"buyer-name": " "}, "buyer-name", "This field may not be blank."),
            ({"name": ""}, "error-1-name", "This field may not be blank."),
            ({"quantity": "0"}, "error-1-quantity", "greater than or equal"),
            ({"unit_price": "1,5"}, "error-1-unit_price", "A valid number is required."),
            ({"discount_amount": "101"}, "error-1-discount_amount", "The discount may not be larger"),
            ({"vat_rate": ""}, "error-1-vat_rate", "A valid number is required."),
            ({"currency": "ABC"}, "currency-note", "Must be one of"),
            ({"buyer-email": "x" * 255}, "buyer-email-note", "254"),
        ],
    )
    def test_refusal_stands_beside_its_field(
        self, client: FlaskClient, fields: dict[str, str], name: str, message: str
    ) -> None:
        answer = self.create(client, notes="Typed <b>", **fields)
        assert answer.status_code == 422
        assert re.search(
            rf'id="{name}[^"]*" class="field-error">[^<]*{message}|class="field-error" id="{name}">[^<]*{message}',
            answer.text,
        )
        assert "Typed &lt;b&gt;" in answer.text

    def test_draft_without_lines_is_refused(self, client: FlaskClient) -> None:
        answer = self.create(client, **{name: [] for name in LINE})
        assert answer.status_code == 422
        assert "Send 1 to 1,000 items." in answer.text or "Send 1 to 1000 items." in answer.text

    def test_lines_that_do_not_fit_together_are_refused(self, client: FlaskClient) -> None:
        assert self.create(client, quantity=["1", "2"]).status_code == 303
        assert "The table of items is incomplete." in client.get("/admin/account").text

    def test_second_einvoice_of_an_order_has_to_be_allowed(self, client: FlaskClient) -> None:
        order = {"marketplace": "n11", "marketplace_order_no": "7"}
        assert [self.create(client, **order).status_code for _ in range(2)] == [303, 409]
        assert self.create(client, **order, allow_duplicate_order="yes").status_code == 303

    def test_draft_is_changed(self, client: FlaskClient, owner: User) -> None:
        draft = sample_data.create_draft(owner, buyer={"name": "A", "is_business": True})
        page = client.get(edit_path(draft)).text
        assert 'value="true" checked' in page
        assert save(client, draft, quantity="4").status_code == 303
        changed = lookup.find(draft.id, None)
        assert (changed.buyer_name, changed.buyer_is_business, len(changed.items)) == ("Ayşe Yılmaz", None, 1)
        assert changed.grand_total == 240

    def test_foreign_change_is_not_overwritten(self, client: FlaskClient, owner: User) -> None:
        draft = sample_data.create_draft(owner)
        version = clock.iso(draft.updated_at)
        with unit_of_work():
            drafts.change(draft.id, {"notes": "Foreign"}, owner.id, "test")
        answer = save(client, draft, version=version, notes="Mine")
        assert answer.status_code == 409
        assert "The draft was changed after you opened it" in answer.text
        assert "Mine</textarea>" in answer.text
        assert lookup.find(draft.id, None).notes == "Foreign"
        chosen = {"version": version, "replaces": newer_version(answer)}
        assert save(client, draft, **chosen, notes="Mine").status_code == 303
        assert lookup.find(draft.id, None).notes == "Mine"

    def test_what_nobody_has_seen_is_not_issued(self, client: FlaskClient, owner: User) -> None:
        draft = sample_data.create_draft(owner)
        path, seen = f"/admin/einvoices/{draft.id}", clock.iso(draft.updated_at)
        with unit_of_work():
            drafts.change(draft.id, {"notes": "Foreign"}, owner.id, "test")
        for page in (path, f"{path}/preview"):
            assert submit_form(client, f"{path}/issue", page=page, version=seen).status_code == 303
            assert "Not issued: the draft was changed" in client.get(page).text
        assert newest().status == "draft"
        present = clock.iso(newest().updated_at)
        for page in (f"{path}/preview", path):
            assert f'name="version" value="{present}"' in client.get(page).text
        submit_form(client, f"{path}/issue", page=path, version=present)
        assert newest().status == "issued"

    def test_what_is_missing_for_the_issue_stands_beside_its_field(self, client: FlaskClient, owner: User) -> None:
        draft = sample_data.create_draft(owner, buyer={"name": "A", "is_business": True})
        assert (
            'class="field-missing">The buyer is a company, and its address is missing.'
            in client.get(edit_path(draft)).text
        )

    def test_missing_data_of_the_seller_are_said_before_the_first_draft(
        self, signed_in_client: Callable[..., FlaskClient], create_user: Callable[..., User]
    ) -> None:
        user = sample_data.enable_module(create_user("integrator"))
        page = signed_in_client(user).get(NEW).text
        assert "The tax number of the seller is missing." in page
        assert "The name of the buyer is missing." not in page

    def test_lines_of_a_credit_note_stay(self, client: FlaskClient, owner: User) -> None:
        sale = sample_data.issue_einvoice(owner)
        with unit_of_work():
            credit = credit_notes.draft_credit(sale.id, Type.CREDIT_NOTE, {"reason": "x"}, owner.id, "test")
        path = edit_path(credit)
        assert 'name="quantity"' not in client.get(path).text
        version = clock.iso(lookup.find(credit.id, None).updated_at)
        answer = submit_form(client, path, page=path, **{"buyer-name": "New", "version": version})
        assert answer.status_code == 303
        changed = lookup.find(credit.id, None)
        assert (changed.buyer_name, changed.grand_total) == ("New", sale.grand_total)

    def test_issued_einvoice_has_no_editor(self, client: FlaskClient, owner: User) -> None:
        einvoice = sample_data.create_draft(owner)
        version = clock.iso(einvoice.updated_at)
        with unit_of_work():
            issue.issue(einvoice.id, owner.id, "test")
        assert client.get(edit_path(einvoice)).headers["Location"] == f"/admin/einvoices/{einvoice.id}"
        fields = {**TYPED, "version": version}
        answer = submit_form(client, edit_path(einvoice), page="/admin/account", **fields)
        assert answer.status_code == 409
        assert "replaces" not in answer.text
        assert submit_form(client, edit_path(einvoice), **{**TYPED, "version": "x"}).status_code == 303

    def test_draft_of_another_user_is_not_found(
        self, owner: User, create_user: Callable[..., User], signed_in_client: Callable[..., FlaskClient]
    ) -> None:
        path = edit_path(sample_data.create_draft(owner))
        other = signed_in_client(sample_data.enable_module(create_user("integrator")))
        assert other.get(path).status_code == 404
        fields = {**TYPED, "version": "2026-01-01T00:00:00Z"}
        assert submit_form(other, path, **fields).status_code == 404
        assert signed_in_client(sample_data.enable_module(create_user("admin"))).get(path).status_code == 200
        assert signed_in_client("integrator").get(NEW).status_code == 403

    def test_archived_account_of_a_draft_is_kept(self, client: FlaskClient, owner: User) -> None:
        account = sample_data.open_account(owner, "Old")
        draft = sample_data.create_draft(owner, provider_account_id=account.id)
        with unit_of_work():
            db.session.get_one(type(account), account.id).archived_at = clock.now()
        assert "Old (Archived)" in client.get(edit_path(draft)).text
        assert save(client, draft, provider_account_id=str(account.id)).status_code == 303
        assert lookup.find(draft.id, None).provider_account_id == account.id


@pytest.mark.drill
def test_pages_are_accessible(open_page: Opener, owner: User) -> None:
    sample_data.open_account(owner, "Main")
    draft = sample_data.create_draft(owner, buyer={"name": "A Ltd.", "is_business": True})

    def opener(**options: Any) -> Page:
        return sign_in(open_page(**options), owner)

    def refused(page: Page) -> None:
        page.goto(edit_path(draft))
        page.locator("[data-add-line]").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".field-error")

    check_page(opener, "einvoices-new", lambda page: page.goto(NEW))
    check_page(opener, "einvoices-edit", refused)
    for width in (1440, 1024, 390):
        page = opener(language="tr", dark=width == 1024)
        page.set_viewport_size({"width": width, "height": 900})
        refused(page)
        take_screenshot(page, f"einvoices-edit-turkish-{width}")
