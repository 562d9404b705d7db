"""Sales invoices on pages: found, read, taken from picking to the customer, returned and held."""

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
from tests.admin import scenes
from tests.admin.conftest import looked_at, shoot
from tests.admin.test_signing import enter, post
from tests.factories import a_user


def test_an_invoice_is_found_by_a_word_and_by_filters(signed_in: Callable[..., Page]) -> None:
    numbers = [scenes.imported(priority=priority) for priority in ("HIGH", "LOW", "MEDIUM")]
    page = signed_in("billing")
    page.get_by_role("link", name="Sales invoices").first.click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    page.get_by_label("Search").type(numbers[1])  # the list follows as one types
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(numbers[1])
    assert f"search={numbers[1]}" in page.url
    page.get_by_label("Search").fill("")
    page.get_by_label("Priority").select_option("High")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(numbers[0])
    page.reload()
    expect(rows).to_have_count(1)
    page.get_by_label("Search").type("nowhere")
    expect(page.get_by_text("No invoice fits these filters")).to_be_visible()


@pytest.mark.main_job
def test_a_warehouse_takes_an_invoice_to_the_customer(signed_in: Callable[..., Page]) -> None:
    number = scenes.imported()
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
    expect(page.locator("#history li strong")).to_have_text(
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


def test_a_return_and_a_hold_ask_why(signed_in: Callable[..., Page]) -> None:
    number = scenes.imported()
    page = signed_in("warehouse")
    page.goto(f"/admin/sales/{find_by_number(number).id}")
    page.get_by_role("button", name="Put on hold").click()
    dialog = page.get_by_role("dialog", name="Put on hold")
    dialog.get_by_role("button", name="Put on hold").click()
    expect(dialog).to_be_visible()  # the browser asks for the reason first
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


def test_a_courier_and_a_driver_are_chosen_from_lists(signed_in: Callable[..., Page], app: Hub) -> None:
    with unit_of_work():
        db.session.add(Courier(code="DTDC", name="DTDC Express"))
        driver = a_user(role="warehouse", name="Ravi")
        first, second = (brought_to_packed(app, driver) for _ in range(2))
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


def brought_to_packed(app: Hub, worker: User) -> str:
    """An invoice that ``worker`` has packed."""
    number = scenes.imported()
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
    """What a form says that no page made."""

    @pytest.fixture
    def worker(self, app: Hub) -> FlaskClient:
        with unit_of_work():
            user = a_user(role="warehouse")
        client = app.test_client()
        enter(client, user)
        return client

    def say(self, client: FlaskClient, step: str, **fields: Any) -> str:
        number = scenes.imported()
        on = f"/admin/sales/{find_by_number(number).id}"
        answer = post(client, f"{on}/steps/{step}", on=on, **fields)
        assert answer.status_code == 303
        assert answer.headers["Location"] == on
        assert find_by_number(number).status == "INVOICED"
        text: str = client.get(on).text
        return text

    def test_a_step_from_a_wrong_state_is_told_on_the_page(self, worker: FlaskClient) -> None:
        assert "Invoice must be in PICKING status to complete picking." in self.say(worker, "picking.complete")

    def test_a_field_that_is_missing_is_told(self, worker: FlaskClient) -> None:
        assert "This field is required." in self.say(worker, "hold")

    def test_a_field_that_makes_no_sense_is_told(self, worker: FlaskClient) -> None:
        assert "Unknown field." in self.say(worker, "hold", reason="x", status="DELIVERED")

    def test_an_unknown_step_is_not_found(self, worker: FlaskClient) -> None:
        invoice_id = find_by_number(scenes.imported()).id
        for name in ("billing.correct", "nowhere"):
            answer = post(worker, f"/admin/sales/{invoice_id}/steps/{name}", on=f"/admin/sales/{invoice_id}")
            assert answer.status_code == 404


def test_what_is_offered_is_what_would_be_taken(app: Hub) -> None:
    """For every state and both kinds of people, each step is offered exactly when taking it is not refused."""
    with unit_of_work():
        holder, other = a_user(role="warehouse", name="Asha"), a_user(role="warehouse")
    needs = {"boxing.complete": {"label_count": 1}, "hold": {"reason": "x"}, "billing.return": {"return_reason": "x"}}
    needs["delivery.courier"] = {"courier": "DTDC", "tracking_no": "1"}
    needs["delivery.internal"] = {"driver_id": holder.id}
    with unit_of_work():
        db.session.add(Courier(code="DTDC", name="DTDC"))
    way = ["picking.start", "picking.complete", "packing.start", "packing.complete", "boxing.complete"]
    number = scenes.imported()
    for step in [*way, "delivery.internal", "hold", "release", "delivery.complete"]:
        for user in (holder, other):
            agrees(number, Actor(user.name, user.id, user.role), needs)
        with unit_of_work():
            order = {"invoice_no": number, **needs.get(step, {})}
            available_steps.perform(step, order, Actor(holder.name, holder.id, holder.role))
    agrees(number, Actor(holder.name, holder.id, holder.role), needs)


def agrees(number: str, actor: Actor, needs: dict[str, dict[str, Any]]) -> None:
    """Offered and taken are the same set, found by trying each and taking it back."""
    offered = {step.name for step in available_steps.available_steps(find_by_number(number), actor)}
    taken = set()
    for name in available_steps.OFFERED:
        try:
            available_steps.perform(name, {"invoice_no": number, **needs.get(name, {})}, actor)
        except Refusal:
            pass
        else:
            taken.add(name)
        db.session.rollback()
    assert offered == taken


@pytest.mark.drill
def test_the_pages_can_be_read_and_used_by_everybody(signed_in: Callable[..., Page], app: Hub) -> None:
    with unit_of_work():
        driver = a_user(role="warehouse", name="Ravi")
    for priority in ("HIGH", "LOW", "MEDIUM", "MEDIUM"):
        scenes.imported(priority=priority, customer={"code": "C-1", "name": "City Care Pharmacy and Surgical Supplies"})
    with unit_of_work():
        number = brought_to_packed(app, driver)
    looked_at(signed_in, "sales-list", lambda page: page.goto("/admin/sales"))
    looked_at(signed_in, "sales-show", lambda page: page.goto(f"/admin/sales/{find_by_number(number).id}"))
    page = signed_in()
    page.goto(f"/admin/sales/{find_by_number(number).id}")
    page.get_by_role("button", name="Hand over to a courier").click()
    shoot(page, "sales-dialog", whole=False)
