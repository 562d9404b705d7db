"""Pages of sales invoices: search, filters, and the steps of the sales floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.errors import Refusal
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.sales.floor import available_steps
from app.sales.floor.history import Actor
from app.sales.models.masters import Courier
from app.sales.queries.lookup import find_by_number
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import check_page, take_screenshot
from tests.factories import a_user


def test_invoice_is_found_by_search_and_filters(signed_in: Callable[..., Page]) -> None:
    numbers = [sample_data.import_invoice(priority=priority) for priority in ("HIGH", "LOW", "MEDIUM")]
    page = signed_in("billing")
    page.get_by_role("link", name="Sales invoices").first.click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Search").type(numbers[1])  # the list updates on input
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(numbers[1])
    assert f"search={numbers[1]}" in page.url
    page.get_by_label("Search").fill("")
    page.locator(".filters").get_by_label("Priority").select_option("High")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(numbers[0])
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_label("Search").type("nowhere")
    expect(page.get_by_text("No invoices match these filters")).to_be_visible()


@pytest.mark.main_job
def test_warehouse_picks_packs_and_delivers_an_invoice(signed_in: Callable[..., Page]) -> None:
    number = sample_data.import_invoice()
    page = signed_in("warehouse", name="Asha")
    page.goto("/admin/sales")
    page.get_by_role("link", name="To pick 1").click()
    page.get_by_role("link", name=number).click()
    for button in ("Start picking", "Complete picking", "Start packing", "Complete packing"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("status")).to_contain_text(f"{number}: {button}.")
    page.get_by_role("button", name="Complete boxing").click()
    page.get_by_role("dialog").get_by_label("Boxes").fill("3")
    page.get_by_role("dialog").get_by_role("button", name="Complete boxing").click()
    page.get_by_role("button", name="Hand over to the customer").click()
    page.get_by_role("dialog").get_by_label("Proof of delivery").fill("Signed by Mr Nair")
    page.get_by_role("dialog").get_by_role("button", name="Hand over to the customer").click()
    expect(page.locator("#facts")).to_contain_text("Delivered")
    expect(page.locator("#history > ol strong")).to_have_text(
        [
            "Hand over to the customer",
            "Complete boxing",
            "Complete packing",
            "Start packing",
            "Complete picking",
            "Start picking",
            "Imported",
        ]
    )
    expect(page.locator("#history")).to_contain_text("Signed by Mr Nair")
    expect(page.locator(".actions button")).to_have_count(0)


def test_return_and_hold_require_a_reason(signed_in: Callable[..., Page]) -> None:
    number = sample_data.import_invoice()
    page = signed_in("warehouse")
    page.goto(f"/admin/sales/{find_by_number(number).id}")
    page.get_by_role("button", name="Put on hold").click()
    dialog = page.get_by_role("dialog", name="Put on hold")
    dialog.get_by_role("button", name="Put on hold").click()
    expect(dialog).to_be_visible()  # the browser requires the reason
    dialog.get_by_label("Reason").fill("Price in dispute")
    dialog.get_by_role("button", name="Put on hold").click()
    expect(page.locator(".notice.warn")).to_contain_text("Price in dispute")
    expect(page.get_by_role("button", name="Start picking")).to_have_count(0)
    page.get_by_role("button", name="Release").click()
    page.get_by_role("button", name="Start picking").click()
    page.get_by_role("button", name="Return to billing").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("Batch on the box is B456")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".notice.warn")).to_contain_text("Batch on the box is B456")
    expect(page.locator("#facts")).to_contain_text("In review")


def test_courier_and_driver_are_chosen_from_lists(signed_in: Callable[..., Page], app: Hub) -> None:
    with unit_of_work():
        db.session.add(Courier(code="DTDC", name="DTDC Express"))
        driver = a_user(role="warehouse", name="Ravi")
        first, second = (import_packed_invoice(driver) for _ in range(2))
    page = signed_in("billing")
    page.goto(f"/admin/sales/{find_by_number(first).id}")
    page.get_by_role("button", name="Hand over to a courier").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Courier").select_option("DTDC Express")
    dialog.get_by_label("Tracking number").fill("D123456789")
    dialog.get_by_role("button", name="Hand over to a courier").click()
    expect(page.locator("#facts")).to_contain_text("D123456789")
    page.goto(f"/admin/sales/{find_by_number(second).id}")
    page.get_by_role("button", name="Start delivery").click()
    page.get_by_role("dialog").get_by_label("Driver").select_option("Ravi")
    page.get_by_role("dialog").get_by_role("button", name="Start delivery").click()
    expect(page.locator("#facts")).to_contain_text("Ravi")


def import_packed_invoice(worker: User) -> str:
    """Import an invoice that ``worker`` picks and packs; return its number."""
    number = sample_data.import_invoice()
    actor = Actor(worker.name, worker.id, worker.role)
    for step, more in (
        ("picking.start", {}),
        ("picking.complete", {}),
        ("packing.start", {}),
        ("packing.complete", {}),
        ("boxing.complete", {"label_count": 1}),
    ):
        available_steps.perform(step, {"invoice_no": number, **more}, actor)
    return number


class TestSteps:
    """Steps with form data that the page does not offer."""

    @pytest.fixture
    def worker(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("warehouse")

    def post_step(self, client: FlaskClient, step: str, **fields: Any) -> str:
        number = sample_data.import_invoice()
        page = f"/admin/sales/{find_by_number(number).id}"
        answer = submit_form(client, f"{page}/steps/{step}", page=page, **fields)
        assert answer.status_code == 303
        assert answer.headers["Location"] == page
        assert find_by_number(number).status == "INVOICED"
        text: str = client.get(page).text
        return text

    def test_step_in_a_wrong_status_is_refused(self, worker: FlaskClient) -> None:
        assert "Invoice must be in PICKING status to complete picking." in self.post_step(worker, "picking.complete")

    def test_missing_field_is_reported(self, worker: FlaskClient) -> None:
        assert "This field is required." in self.post_step(worker, "hold")

    def test_unknown_field_is_reported(self, worker: FlaskClient) -> None:
        assert "Unknown field." in self.post_step(worker, "hold", reason="x", status="DELIVERED")

    def test_unknown_step_is_not_found(self, worker: FlaskClient) -> None:
        invoice_id = find_by_number(sample_data.import_invoice()).id
        for name in ("billing.correct", "nowhere"):
            answer = submit_form(worker, f"/admin/sales/{invoice_id}/steps/{name}", page=f"/admin/sales/{invoice_id}")
            assert answer.status_code == 404


@pytest.mark.slow
def test_offered_steps_are_exactly_the_accepted_steps(app: Hub) -> None:
    """In every status and for both users, a step is offered exactly when it is accepted."""
    with unit_of_work():
        holder, other = a_user(role="warehouse", name="Asha"), a_user(role="warehouse")
    step_data = {
        "boxing.complete": {"label_count": 1},
        "hold": {"reason": "x"},
        "billing.return": {"return_reason": "x"},
    }
    step_data["delivery.courier"] = {"courier": "DTDC", "tracking_no": "1"}
    step_data["delivery.internal"] = {"driver_id": holder.id}
    with unit_of_work():
        db.session.add(Courier(code="DTDC", name="DTDC"))
    steps = ["picking.start", "picking.complete", "packing.start", "packing.complete", "boxing.complete"]
    number = sample_data.import_invoice()
    for step in [*steps, "delivery.internal", "hold", "release", "delivery.complete"]:
        for user in (holder, other):
            assert_offered_steps_are_accepted(number, Actor(user.name, user.id, user.role), step_data)
        with unit_of_work():
            data = {"invoice_no": number, **step_data.get(step, {})}
            available_steps.perform(step, data, Actor(holder.name, holder.id, holder.role))
    assert_offered_steps_are_accepted(number, Actor(holder.name, holder.id, holder.role), step_data)


def assert_offered_steps_are_accepted(number: str, actor: Actor, step_data: dict[str, dict[str, Any]]) -> None:
    """Try each step and roll it back: the accepted steps are the offered ones."""
    offered = {step.name for step in available_steps.available_steps(find_by_number(number), actor)}
    accepted = set()
    for name in available_steps.OFFERED:
        try:
            available_steps.perform(name, {"invoice_no": number, **step_data.get(name, {})}, actor)
        except Refusal:
            pass
        else:
            accepted.add(name)
        db.session.rollback()
    assert offered == accepted


def test_a_second_draft_of_a_sales_invoice_is_said_to_exist_already(
    create_user: Callable[..., User], signed_in_client: Callable[..., FlaskClient]
) -> None:
    number, client = sample_data.import_invoice(), signed_in_client(sample_data.enable_module(create_user("billing")))
    fields = {"invoice_no": number, "prices_include_vat": "true"}
    answers = [submit_form(client, "/admin/einvoices/from-sales", page="/admin", **fields) for _ in range(2)]
    assert answers[0].location == answers[1].location
    shown = client.get(answers[1].location).text
    assert "had this e-invoice already. It was not changed." in shown
    assert 'class="notice info"' in shown


@pytest.mark.drill
def test_pages_are_accessible(signed_in: Callable[..., Page], app: Hub) -> None:
    with unit_of_work():
        driver = a_user(role="warehouse", name="Ravi")
    for priority in ("HIGH", "LOW", "MEDIUM", "MEDIUM"):
        sample_data.import_invoice(
            priority=priority, customer={"code": "C-1", "name": "City Care Pharmacy and Surgical Supplies"}
        )
    with unit_of_work():
        number = import_packed_invoice(driver)
    check_page(signed_in, "sales-list", lambda page: page.goto("/admin/sales"))
    check_page(signed_in, "sales-show", lambda page: page.goto(f"/admin/sales/{find_by_number(number).id}"))
    page = signed_in()
    page.goto(f"/admin/sales/{find_by_number(number).id}")
    page.get_by_role("button", name="Hand over to a courier").click()
    take_screenshot(page, "sales-dialog", full_page=False)
