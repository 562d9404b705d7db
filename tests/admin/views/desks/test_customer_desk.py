"""The page of a customer: what legal documents need is typed, stored, and taken over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import AuditEntry, User
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.sales.models.masters import Customer
from tests.admin.client import newer_version, submit_form
from tests.admin.conftest import Opener, check_page, sign_in

FACTS = {"tax_id": "1234567890", "tax_scheme": "vkn", "city": "İstanbul", "country": "TR"}


@pytest.fixture
def customer_id() -> int:
    with unit_of_work():
        customer = Customer(code="C-0001", name="LifeCare Pharmacy", area="Kadıköy", phone1="0216 555 00 00")
        db.session.add(customer)
        db.session.flush()
        return customer.id


@pytest.fixture
def path(customer_id: int) -> str:
    return f"/admin/sales/customers/{customer_id}"


def stored(customer_id: int) -> Customer:
    with unit_of_work():
        return db.session.get_one(Customer, customer_id, populate_existing=True)


def test_the_facts_are_typed_and_stored(
    open_page: Opener, create_user: Callable[..., User], customer_id: int, path: str
) -> None:
    page = sign_in(open_page(), create_user("billing"))
    page.goto("/admin/sales/customers")
    page.get_by_role("link", name="Customer LifeCare Pharmacy").click()
    page.get_by_label("Tax number", exact=True).fill("1234567891")
    page.get_by_label("Kind of tax number").select_option("vkn")
    page.get_by_label("City").fill("İstanbul")
    page.get_by_label("Country", exact=True).select_option("TR")
    page.get_by_role("button", name="Save").click()
    assert "This is no VKN" in page.locator(".field-error").inner_text()
    page.get_by_label("Tax number", exact=True).fill("1234567890")
    page.get_by_role("button", name="Save").click()
    assert "“LifeCare Pharmacy” is stored." in page.locator("main").inner_text()
    found = stored(customer_id)
    assert {name: getattr(found, name) for name in FACTS} == FACTS
    assert found.area == "Kadıköy"


def test_enter_replaces_no_newer_version(
    open_page: Opener, create_user: Callable[..., User], customer_id: int, path: str
) -> None:
    page = sign_in(open_page(), create_user("billing"))
    page.goto(path)
    with unit_of_work():
        customer = db.session.get_one(Customer, customer_id)
        customer.area, customer.updated_at = "Beşiktaş", clock.now()
    area = page.get_by_label("Area")
    for _ in range(2):
        area.fill("Üsküdar")
        page.keyboard.press("Enter")
        expect(page.get_by_text("somebody else changed it")).to_be_visible()
        expect(page.get_by_role("button", name="Replace the newer version")).to_be_visible()
    assert stored(customer_id).area == "Beşiktaş"
    page.get_by_role("button", name="Replace the newer version").click()
    expect(page.get_by_text("“LifeCare Pharmacy” is stored.")).to_be_visible()
    assert stored(customer_id).area == "Üsküdar"


def test_the_page_is_accessible_and_fits(
    open_page: Opener, create_user: Callable[..., User], customer_id: int, path: str
) -> None:
    user = create_user("billing", language="tr")

    def visit(page: Page) -> None:
        sign_in(page, user)
        page.goto(path)

    check_page(open_page, "customer", visit)


class TestRequests:
    def test_somebody_else_changed_it(
        self,
        signed_in_client: Callable[..., FlaskClient],
        create_user: Callable[..., User],
        customer_id: int,
        path: str,
    ) -> None:
        client = signed_in_client(create_user("billing"))
        assert client.get(path).status_code == 200
        old = {"version": "2026-01-01T00:00:00+00:00", "name": "LifeCare", **FACTS}
        answer = submit_form(client, path, **old)
        assert "somebody else changed it" in answer.text
        assert stored(customer_id).tax_id == ""
        assert submit_form(client, path, **old, replaces=newer_version(answer)).status_code == 303
        assert stored(customer_id).tax_id == FACTS["tax_id"]

    def test_a_change_is_audited(
        self,
        signed_in_client: Callable[..., FlaskClient],
        create_user: Callable[..., User],
        customer_id: int,
        path: str,
    ) -> None:
        client = signed_in_client(create_user("billing"))
        version = stored(customer_id).updated_at.isoformat()
        submit_form(client, path, version=version, name="LifeCare", **FACTS)
        assert stored(customer_id).tax_id == "1234567890"
        with unit_of_work():
            actions = db.session.scalars(db.select(AuditEntry.action)).all()
        assert "customer.edited" in actions

    def test_who_may_read_only_sees_it(
        self, signed_in_client: Callable[..., FlaskClient], create_user: Callable[..., User], path: str
    ) -> None:
        client = signed_in_client(create_user("warehouse"))
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<fieldset disabled>" in answer.text
        assert submit_form(client, path, name="X").status_code == 403
        assert client.get("/admin/sales/customers/999999").status_code == 404
