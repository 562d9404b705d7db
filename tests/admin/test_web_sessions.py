"""Session cookie: accepted by pages and streams, refused by all other endpoints; end of streams."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.stream.broadcaster import broadcaster as stream_hub
from tests.admin.conftest import Opener, sign_in


def test_signed_in_browser_opens_both_streams(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    opened = page.evaluate(
        """() => Promise.all(["/api/v1/stream?topics=sales.*", "/api/sales/sse/invoices/"].map(address =>
            new Promise((resolve, reject) => {
                const source = new EventSource(address);
                source.onopen = () => { source.close(); resolve("open"); };
                source.onerror = () => reject(new Error(address));
            })))"""
    )
    assert opened == ["open", "open"]


def test_cookie_is_not_accepted_outside_pages_and_streams(admin_client: FlaskClient) -> None:
    for method, path in [
        ("GET", "/api/v1/events"),
        ("POST", "/api/v1/stream/tickets"),
        ("POST", "/api/v1/stream"),
        ("GET", "/api/sales/invoices/"),
        ("POST", "/api/sales/import/invoice/"),
        ("DELETE", "/api/invoices/1"),
        ("GET", "/api/auth/me/"),
        ("POST", "/api/auth/logout/"),
    ]:
        assert admin_client.open(path, method=method).status_code in {401, 405}, path


def test_stream_refuses_a_forged_cookie(server_url: str, page: Page, create_user: Callable[..., User]) -> None:
    sign_in(page, create_user("admin"))
    [cookie] = [each for each in page.context.cookies() if each["name"] == "hub"]
    host = server_url.removeprefix("http://")
    for headers, status in (({"Cookie": f"hub={cookie['value']}"}, 200), ({"Cookie": "hub=forged"}, 401)):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("GET", "/api/v1/stream?topics=sales.*", headers=headers)
        answer = connection.getresponse()
        assert answer.status == status
        answer.close()
        connection.close()


def test_sign_out_ends_the_streams_of_the_session(signed_in: Callable[..., Page], open_page: Opener) -> None:
    page = signed_in()
    other = open_page()
    other.context.add_cookies(page.context.cookies())  # the same session in another window
    other.goto("/admin")
    expect(other.locator(".stream-state")).to_have_class(re.compile("live"))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    stream_hub.end_unauthorized_streams()
    expect(other.locator(".stream-state")).not_to_have_class(re.compile("live"))


def test_filter_after_the_end_of_the_session_redirects_to_sign_in(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.goto("/admin/sales")
    page.context.clear_cookies()
    page.get_by_label("Search").press_sequentially("INV")
    expect(page).to_have_url(re.compile(r"/admin/sign-in\?next=/admin/sales"))
