"""Pages of webhooks: endpoints from creation to recovery, deliveries, access."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.accounts import modules
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.outbound import ssrf
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.endpoints import receiver_check
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import dispatcher, results
from tests.admin.actions import visit
from tests.admin.client import submit_form
from tests.admin.conftest import Opener, check_page, sign_in
from tests.admin.sample_data import create_draft, enable_module
from tests.webhooks.fixtures import MODULE, Subscribed, deliveries
from tests.webhooks.receivers import Receiver

LIST = "/admin/settings/webhooks"
Make = Callable[..., Any]


@pytest.fixture
def admin_user(create_user: Callable[..., User]) -> User:
    """Administrator with both modules."""
    user = enable_module(create_user("admin"))
    with unit_of_work():
        modules.enable(user, MODULE, actor="test")
    return user


@pytest.fixture
def admin_page(open_page: Opener, admin_user: User) -> Page:
    return sign_in(open_page(), admin_user)


@pytest.fixture
def endpoint(subscribe: Make, receiver: Receiver, admin_user: User) -> Subscribed:
    """Endpoint of the administrator."""
    subscribed: Subscribed = subscribe(receiver, "*", user=admin_user, description="ERP of the head office")
    return subscribed


def deliver_drafts(admin_user: User, relayed: Make, send: Make, count: int = 1) -> list[Any]:
    drafts = [create_draft(admin_user) for _ in range(count)]
    relayed()
    send()
    return drafts


@pytest.mark.slow
def test_endpoint_is_created_and_its_secret_shown_once(admin_page: Page, receiver: Receiver) -> None:
    admin_page.goto(LIST)
    expect(admin_page.get_by_text("No endpoints yet")).to_be_visible()
    admin_page.get_by_role("link", name="New endpoint").click()
    admin_page.get_by_label("URL").fill("http://127.0.0.1/")
    admin_page.get_by_label("Description").fill("ERP")
    admin_page.get_by_label("All e-invoice events").check()
    admin_page.get_by_role("button", name="Create endpoint").click()
    expect(admin_page.get_by_text("127.0.0.1 is refused: loopback")).to_be_visible()
    admin_page.get_by_label("URL").fill(receiver.url)
    admin_page.get_by_label("Additional headers").fill("X-Api-Key: hush")
    admin_page.get_by_label("Allowed networks").fill(f"127.0.0.0/8 {receiver.port}")
    admin_page.get_by_role("button", name="Create endpoint").click()
    secret = admin_page.get_by_label("Secret").input_value()
    assert secret.startswith("whsec_")
    admin_page.get_by_role("link", name="I have copied it").click()
    expect(admin_page.get_by_role("heading", name="ERP")).to_be_visible()
    assert secret not in admin_page.content()
    assert "hush" not in admin_page.content()
    expect(admin_page.get_by_text("X-Api-Key")).to_be_visible()


def test_test_event_is_delivered_and_shown_with_request_and_body(
    admin_page: Page, endpoint: Subscribed, receiver: Receiver, relayed: Make, send: Make
) -> None:
    admin_page.goto(f"{LIST}/{endpoint.id}")
    admin_page.get_by_role("button", name="Send test event").click()
    expect(admin_page.get_by_text("A test event is being sent.")).to_be_visible()
    relayed()
    send()
    admin_page.reload()
    admin_page.get_by_role("link", name="Webhook test").click()
    admin_page.get_by_text("Request", exact=True).click()
    expect(admin_page.get_by_text(receiver.requests[0]["X-Webhook-Signature"])).to_be_visible()
    assert receiver.requests[0].body.decode() in admin_page.locator("#body").inner_text()
    admin_page.get_by_role("button", name="Send again").click()
    expect(admin_page.get_by_text("The delivery is being sent again.")).to_be_visible()
    send()
    assert len(receiver.requests) == 2


def test_receiver_check_shows_its_grade_without_a_reload(
    admin_page: Page, endpoint: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_check, "PAUSE_SECONDS", 0.01)
    admin_page.goto(f"{LIST}/{endpoint.id}")
    admin_page.get_by_role("button", name="Check receiver").click()
    expect(admin_page.get_by_text("The receiver is being checked.", exact=True)).to_be_visible()
    receiver_check.run_due_checks()
    expect(admin_page.get_by_text("Check the signature, and respond to a wrong one with 401.")).to_be_visible()
    expect(admin_page.locator(".grade")).to_contain_text("D")


def test_endpoint_is_disabled_with_a_reason_and_enabled(admin_page: Page, endpoint: Subscribed) -> None:
    admin_page.goto(f"{LIST}/{endpoint.id}")
    admin_page.get_by_role("button", name="Disable…").click()
    admin_page.get_by_label("Reason").fill("The ERP is being moved.")
    admin_page.get_by_role("button", name="Disable", exact=True).click()
    expect(admin_page.get_by_text("The ERP is being moved.", exact=True)).to_be_visible()
    admin_page.get_by_role("button", name="Enable").click()
    expect(admin_page.locator("#facts").get_by_text("Enabled", exact=True)).to_be_visible()


def test_failed_deliveries_are_sent_again(
    *, admin_page: Page, endpoint: Subscribed, receiver: Receiver, admin_user: User, relayed: Make, send: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(results, "retry_delays", lambda: ())
    receiver.answers = lambda _request: (500, {}, b"")
    deliver_drafts(admin_user, relayed, send, 2)
    receiver.answers = lambda _request: (200, {}, b"")
    admin_page.goto(f"{LIST}/{endpoint.id}")
    expect(admin_page.get_by_text("0 waiting, 2 failed")).to_be_visible()
    admin_page.get_by_role("button", name="Send failed deliveries again…").click()
    admin_page.get_by_label("Deliveries per minute").fill("6000")
    admin_page.get_by_role("button", name="Send failed deliveries again", exact=True).click()
    expect(admin_page.get_by_text("2 deliveries will be sent again")).to_be_visible()
    dispatcher.send_due("retry")
    send()
    assert {delivery.state for delivery in deliveries(endpoint)} == {"delivered"}


def test_endpoint_gets_a_new_secret_is_changed_and_deleted(admin_page: Page, endpoint: Subscribed) -> None:
    admin_page.goto(f"{LIST}/{endpoint.id}")
    admin_page.get_by_role("button", name="New secret…").click()
    admin_page.get_by_role("button", name="New secret", exact=True).click()
    assert admin_page.get_by_label("Secret").input_value() != endpoint.secret
    admin_page.get_by_role("link", name="I have copied it").click()
    admin_page.get_by_role("link", name="Change").click()
    admin_page.get_by_label("Description").fill("ERP of Izmir")
    admin_page.get_by_role("button", name="Save").click()
    expect(admin_page.get_by_role("heading", name="ERP of Izmir")).to_be_visible()
    assert endpoint.row.allowances
    admin_page.get_by_role("button", name="Delete…").click()
    admin_page.get_by_role("button", name="Delete", exact=True).click()
    expect(admin_page.get_by_text("Endpoint deleted.")).to_be_visible()


def test_einvoice_page_lists_its_deliveries(
    admin_page: Page, endpoint: Subscribed, admin_user: User, relayed: Make, send: Make
) -> None:
    first, _ = deliver_drafts(admin_user, relayed, send, 2)
    admin_page.goto(f"/admin/einvoices/{first.id}")
    rows = admin_page.locator("#deliveries tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("ERP of the head office")
    expect(rows).to_contain_text("204")


def test_deliveries_are_filtered(
    admin_page: Page, endpoint: Subscribed, admin_user: User, relayed: Make, send: Make
) -> None:
    deliver_drafts(admin_user, relayed, send, 3)
    admin_page.goto(f"{LIST}/deliveries")
    expect(admin_page.locator("#results tbody tr")).to_have_count(3)
    admin_page.locator(".filters").get_by_label("Status").select_option("failed")
    expect(admin_page.get_by_text("No deliveries found")).to_be_visible()


@pytest.mark.usefixtures("endpoint")
def test_role_without_the_ability_sees_no_webhooks(create_user: Make, signed_in_client: Make) -> None:
    client = signed_in_client(enable_module(create_user("billing")))
    assert client.get(LIST).status_code == 403
    assert client.get("/admin/").get_data(as_text=True).count("settings/webhooks") == 0


def test_invalid_form_data_is_refused(endpoint: Subscribed, admin_user: User, signed_in_client: Make) -> None:
    client = signed_in_client(admin_user)
    for path, fields in (
        ("recover", {"since": "yesterday", "per_minute": "600"}),
        ("rotate", {"grace_hours": "25"}),
        ("disable", {"reason": " "}),
    ):
        answer = submit_form(client, f"{LIST}/{endpoint.id}/{path}", page=f"{LIST}/{endpoint.id}", **fields)
        assert answer.status_code in {303, 422}
    with unit_of_work():
        row = db.session.get(Endpoint, endpoint.id, populate_existing=True)
    assert (row.status, row.previous_secret) == ("enabled", None)


def test_the_host_of_a_new_url_is_resolved_without_a_database_connection(
    admin_user: User,
    signed_in_client: Make,
    connections_in_use: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[int] = []

    def look_up(*_arguments: Any, **_options: Any) -> list[Any]:
        held.append(connections_in_use())
        return [(2, 1, 6, "", ("8.8.8.8", 443))]

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", look_up)
    client = signed_in_client(admin_user)
    db.session.remove()
    submit_form(client, f"{LIST}/new", url="https://slow.example.com/hook", events="*")
    assert held == [0]


@pytest.mark.drill
def test_pages_are_accessible(
    *, open_page: Opener, endpoint: Subscribed, receiver: Receiver, admin_user: User, relayed: Make, send: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(receiver_check, "PAUSE_SECONDS", 0.01)
    deliver_drafts(admin_user, relayed, send, 2)
    receiver.answers = lambda _request: (503, {"Retry-After": "60"}, b'{"error":"maintenance"}')
    (last,) = deliver_drafts(admin_user, relayed, send)
    with unit_of_work():
        receiver_check.request_check(endpoint.id, None)
    receiver_check.run_due_checks()
    newest = deliveries(endpoint)[-1].id

    def opener(**options: bool) -> Page:
        return sign_in(open_page(**options), admin_user)

    for name, path in (
        ("list", LIST),
        ("form", f"{LIST}/new"),
        ("endpoint", f"{LIST}/{endpoint.id}"),
        ("deliveries", f"{LIST}/deliveries"),
        ("delivery", f"{LIST}/deliveries/{newest}"),
        ("einvoice", f"/admin/einvoices/{last.id}"),
    ):
        check_page(opener, f"webhooks-{name}", lambda page, path=path: visit(page, path))
