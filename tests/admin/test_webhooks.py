"""The pages of webhooks in a browser: an endpoint from its making to its recovery, and who was told of an invoice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts import modules
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import receiver_check
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import dispatcher, results
from tests.admin.conftest import Opener, looked_at, sign_in
from tests.admin.scenes import drafted, with_module
from tests.admin.test_signing import enter, post
from tests.webhooks.fixtures import MODULE, Subscribed, deliveries
from tests.webhooks.receivers import Receiver

LIST = "/admin/settings/webhooks"
Make = Callable[..., Any]


@pytest.fixture
def keeper(person: Callable[..., User]) -> User:
    """An administrator with both modules."""
    user = with_module(person("admin"))
    with unit_of_work():
        modules.enable(user, MODULE, actor="test")
    return user


@pytest.fixture
def desk(open_page: Opener, keeper: User) -> Page:
    return sign_in(open_page(), keeper)


@pytest.fixture
def at(subscribe: Make, receiver: Receiver, keeper: User) -> Subscribed:
    """An endpoint of the keeper."""
    endpoint: Subscribed = subscribe(receiver, "*", user=keeper, description="ERP of the head office")
    return endpoint


def told_of(keeper: User, relayed: Make, send: Make, count: int = 1) -> list[Any]:
    made = [drafted(keeper) for _ in range(count)]
    relayed()
    send()
    return made


@pytest.mark.main_job
def test_an_endpoint_is_made_and_its_secret_shown_once(desk: Page, receiver: Receiver) -> None:
    desk.goto(LIST)
    expect(desk.get_by_text("Nobody is told yet")).to_be_visible()
    desk.get_by_role("link", name="New endpoint").click()
    desk.get_by_label("Address").fill("http://127.0.0.1/")
    desk.get_by_label("What it is").fill("ERP")
    desk.get_by_label("All of e-invoices").check()
    desk.get_by_role("button", name="Make it").click()
    expect(desk.get_by_text("127.0.0.1 is refused: loopback")).to_be_visible()
    desk.get_by_label("Address").fill(receiver.url)
    desk.get_by_label("Headers to send along").fill("X-Api-Key: hush")
    desk.get_by_label("Allowed networks").fill(f"127.0.0.0/8 {receiver.port}")
    desk.get_by_role("button", name="Make it").click()
    secret = desk.get_by_label("Secret").input_value()
    assert secret.startswith("whsec_")
    desk.get_by_role("link", name="I have it").click()
    expect(desk.get_by_role("heading", name="ERP")).to_be_visible()
    assert secret not in desk.content()
    assert "hush" not in desk.content()
    expect(desk.get_by_text("X-Api-Key")).to_be_visible()


def test_a_test_arrives_and_every_byte_of_it_can_be_read(
    desk: Page, at: Subscribed, receiver: Receiver, relayed: Make, send: Make
) -> None:
    desk.goto(f"{LIST}/{at.id}")
    desk.get_by_role("button", name="Send a test").click()
    expect(desk.get_by_text("A test is on its way")).to_be_visible()
    relayed()
    send()
    desk.reload()
    desk.get_by_role("link", name="Test of a webhook").click()
    desk.get_by_text("Request", exact=True).click()
    expect(desk.get_by_text(receiver.requests[0]["X-Webhook-Signature"])).to_be_visible()
    assert receiver.requests[0].body.decode() in desk.locator("#body").inner_text()
    desk.get_by_role("button", name="Send again").click()
    expect(desk.get_by_text("It is being sent again.")).to_be_visible()
    send()
    assert len(receiver.requests) == 2


def test_a_check_shows_its_grade_by_itself(desk: Page, at: Subscribed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver_check, "PAUSE_SECONDS", 0.01)
    desk.goto(f"{LIST}/{at.id}")
    desk.get_by_role("button", name="Check the receiver").click()
    expect(desk.get_by_text("The receiver is being checked.", exact=True)).to_be_visible()
    receiver_check.run_due_checks()
    expect(desk.get_by_text("Check the signature, and refuse a wrong one with 401.")).to_be_visible()
    expect(desk.locator(".grade")).to_contain_text("D")


def test_it_is_switched_off_with_a_reason_and_on_again(desk: Page, at: Subscribed) -> None:
    desk.goto(f"{LIST}/{at.id}")
    desk.get_by_role("button", name="Switch off…").click()
    desk.get_by_label("Reason").fill("The ERP is being moved.")
    desk.get_by_role("button", name="Switch off", exact=True).click()
    expect(desk.get_by_text("The ERP is being moved.")).to_be_visible()
    desk.get_by_role("button", name="Switch on").click()
    expect(desk.locator("#facts").get_by_text("On", exact=True)).to_be_visible()


def test_what_failed_is_sent_again(
    *, desk: Page, at: Subscribed, receiver: Receiver, keeper: User, relayed: Make, send: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(results, "retry_delays", lambda: ())
    receiver.answers = lambda _request: (500, {}, b"")
    told_of(keeper, relayed, send, 2)
    receiver.answers = lambda _request: (200, {}, b"")
    desk.goto(f"{LIST}/{at.id}")
    expect(desk.get_by_text("0 waiting, 2 failed")).to_be_visible()
    desk.get_by_role("button", name="Send the failed again…").click()
    desk.get_by_label("In a minute").fill("6000")
    desk.get_by_role("button", name="Send the failed again", exact=True).click()
    expect(desk.get_by_text("2 deliveries will be sent again")).to_be_visible()
    dispatcher.send_due("retry")
    send()
    assert {delivery.state for delivery in deliveries(at)} == {"delivered"}


def test_a_new_secret_and_changes_and_the_end(desk: Page, at: Subscribed) -> None:
    desk.goto(f"{LIST}/{at.id}")
    desk.get_by_role("button", name="New secret…").click()
    desk.get_by_role("button", name="New secret", exact=True).click()
    assert desk.get_by_label("Secret").input_value() != at.secret
    desk.get_by_role("link", name="I have it").click()
    desk.get_by_role("link", name="Change").click()
    desk.get_by_label("What it is").fill("ERP of Izmir")
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("heading", name="ERP of Izmir")).to_be_visible()
    assert at.row.allowances
    desk.get_by_role("button", name="Delete…").click()
    desk.get_by_role("button", name="Delete", exact=True).click()
    expect(desk.get_by_text("The endpoint is deleted.")).to_be_visible()


def test_an_invoices_page_says_who_was_told_of_it(
    desk: Page, at: Subscribed, keeper: User, relayed: Make, send: Make
) -> None:
    first, _ = told_of(keeper, relayed, send, 2)
    desk.goto(f"/admin/einvoices/{first.id}")
    rows = desk.locator("#told tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("ERP of the head office")
    expect(rows).to_contain_text("204")


def test_deliveries_are_narrowed_by_filters(
    desk: Page, at: Subscribed, keeper: User, relayed: Make, send: Make
) -> None:
    told_of(keeper, relayed, send, 3)
    desk.goto(f"{LIST}/deliveries")
    expect(desk.locator("#results tbody tr")).to_have_count(3)
    desk.get_by_label("Status").select_option("failed")
    expect(desk.get_by_text("No delivery fits")).to_be_visible()


def test_who_may_not_manage_webhooks_sees_nothing_of_them(app: Hub, at: Subscribed, person: Make) -> None:
    client = app.test_client()
    clerk = with_module(person("billing"))
    enter(client, clerk)
    assert client.get(LIST).status_code == 403
    assert client.get("/admin/").get_data(as_text=True).count("settings/webhooks") == 0


def test_a_form_that_no_page_made_is_told_what_is_wrong(app: Hub, at: Subscribed, keeper: User) -> None:
    client: FlaskClient = app.test_client()
    enter(client, keeper)
    for path, fields in (
        ("recover", {"since": "yesterday", "per_minute": "600"}),
        ("rotate", {"grace_hours": "25"}),
        ("disable", {"reason": " "}),
    ):
        answer = post(client, f"{LIST}/{at.id}/{path}", on=f"{LIST}/{at.id}", **fields)
        assert answer.status_code in {303, 422}
    with unit_of_work():
        row = db.session.get(Endpoint, at.id, populate_existing=True)
    assert (row.status, row.previous_secret) == ("enabled", None)


def visit(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer
    assert answer.ok


@pytest.mark.drill
def test_the_pages_can_be_read_and_used_by_everybody(
    *, open_page: Opener, at: Subscribed, receiver: Receiver, keeper: User, relayed: Make, send: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(receiver_check, "PAUSE_SECONDS", 0.01)
    told_of(keeper, relayed, send, 2)
    receiver.answers = lambda _request: (503, {"Retry-After": "60"}, b'{"error":"maintenance"}')
    (last,) = told_of(keeper, relayed, send)
    with unit_of_work():
        receiver_check.request_check(at.id, None)
    receiver_check.run_due_checks()
    newest = deliveries(at)[-1].id

    def opener(**how: bool) -> Page:
        return sign_in(open_page(**how), keeper)

    for name, path in (
        ("list", LIST),
        ("form", f"{LIST}/new"),
        ("endpoint", f"{LIST}/{at.id}"),
        ("deliveries", f"{LIST}/deliveries"),
        ("delivery", f"{LIST}/deliveries/{newest}"),
        ("told", f"/admin/einvoices/{last.id}"),
    ):
        looked_at(opener, f"webhooks-{name}", lambda page, path=path: visit(page, path))
