"""Sign-in over plain http in production: refused with the reason, or allowed by ``ALLOW_HTTP`` with a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from app.accounts.models.accounts import User
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.browsing import LAN_HOST
from tests.factories import PASSWORD, a_user
from tests.serving import serving

REASON, WARNING = "Open it over https", "This connection is not encrypted"
HTTP, HTTPS = {"base_url": "http://hub.example"}, {"base_url": "https://hub.example"}


def in_browser(test: Any) -> Any:
    """Mark a test that needs a browser: `make drill` runs it, on the worker of all browser tests."""
    return pytest.mark.drill(pytest.mark.xdist_group("pages")(test))


@pytest.fixture
def asha(app: Hub) -> User:
    with unit_of_work():
        return a_user(role="billing", name="Asha")


def submit(client: FlaskClient, user: User, where: dict[str, Any]) -> Any:
    page = client.get("/admin/sign-in", **where).text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    fields = {"csrf_token": token, "email": user.email, "password": PASSWORD}
    headers = {"Referer": f"{where['base_url']}/admin/sign-in"}
    return client.post("/admin/sign-in", data=fields, headers=headers, **where)


def test_without_the_setting_the_page_says_why(app_with: Callable[..., Hub], asha: User) -> None:
    # The test client keeps secure cookies of http pages; a browser does not.
    client = app_with(environment="production").test_client(use_cookies=False)
    assert REASON in client.get("/admin/sign-in", **HTTP).text
    answer = submit(client, asha, HTTP)
    assert answer.status_code == 400
    assert REASON in answer.text
    assert "out of date" not in answer.text


def test_a_stale_form_over_https_is_still_out_of_date(app_with: Callable[..., Hub], asha: User) -> None:
    client = app_with(environment="production").test_client(use_cookies=False)
    answer = submit(client, asha, HTTPS)
    assert answer.status_code == 400
    assert "out of date" in answer.text
    assert REASON not in answer.text


@contextmanager
def served(app: Hub) -> Iterator[str]:
    """URL of the application on a host name for which a browser keeps no secure cookie over http."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    with serving(server):
        yield f"http://{LAN_HOST}:{server.server_port}"


def sign_in(page: Page, user: User) -> None:
    page.goto("/admin/sign-in")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@in_browser
def test_a_browser_signs_in_over_http_with_the_setting(
    app_with: Callable[..., Hub], asha: User, browser: Browser
) -> None:
    with served(app_with(environment="production", allow_http=True)) as url, browser.new_context(base_url=url) as tab:
        page = tab.new_page()
        page.goto("/admin/sign-in")
        expect(page.get_by_text(WARNING)).to_be_visible()
        expect(page.get_by_text(REASON)).to_have_count(0)
        sign_in(page, asha)
        expect(page.get_by_text("Asha").first).to_be_visible()
        page.reload()
        expect(page.get_by_text("Asha").first).to_be_visible()
        [cookie] = [each for each in tab.cookies() if each["name"] == "hub"]
        assert (cookie["secure"], cookie["httpOnly"]) == (False, True)


@in_browser
def test_a_browser_over_http_without_the_setting_shows_the_reason(
    app_with: Callable[..., Hub], asha: User, browser: Browser
) -> None:
    with served(app_with(environment="production")) as url, browser.new_context(base_url=url) as tab:
        page = tab.new_page()
        sign_in(page, asha)
        expect(page.get_by_text(REASON)).to_be_visible()
        expect(page.get_by_text("out of date")).to_have_count(0)
        assert [each for each in tab.cookies() if each["name"] != "time_zone"] == []
