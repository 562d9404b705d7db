"""What holds for every page: its headers, its forms, its refusals, its language, and the cookie on streams."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.admin.navigation import NAVIGATION
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.stream.broadcaster import broadcaster as stream_hub
from tests.admin.conftest import Opener, looked_at, shoot, sign_in
from tests.admin.test_guards import path_of
from tests.admin.test_signing import enter
from tests.factories import a_user


@pytest.fixture
def admin(app: Hub) -> FlaskClient:
    """A browser without a screen, signed in as an administrator."""
    with unit_of_work():
        user = a_user(role="admin")
    client = app.test_client()
    enter(client, user)
    return client


class TestHeaders:
    def test_a_page_may_load_and_send_nothing_elsewhere(self, admin: FlaskClient) -> None:
        headers = admin.get("/admin").headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"

    def test_a_refused_page_is_as_safe(self, admin: FlaskClient) -> None:
        assert "Content-Security-Policy" in admin.get("/admin/nowhere").headers

    def test_assets_are_kept_for_a_year_under_their_version(self, anybody: FlaskClient) -> None:
        page = anybody.get("/admin/sign-in").text
        address = page.split('rel="stylesheet" href="')[1].split('"')[0]
        with anybody.get(address) as answer:
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert "Set-Cookie" not in answer.headers
        with anybody.get("/admin/assets/old/hub.css") as old:
            assert old.headers["Cache-Control"] == "public, max-age=60"

    def test_no_file_beside_the_assets_is_served(self, anybody: FlaskClient) -> None:
        assert anybody.get("/admin/assets/x/../pages.py").status_code == 404


class TestForms:
    def test_a_form_of_another_site_changes_nothing(self, admin: FlaskClient) -> None:
        answer = admin.post("/admin/account/look", data={"language": "tr", "theme": "dark"})
        assert answer.status_code == 400
        assert "out of date" in answer.text
        assert 'lang="en"' in admin.get("/admin").text

    def test_a_form_after_the_session_ended_leads_to_signing_in(self, anybody: FlaskClient) -> None:
        answer = anybody.post("/admin/account/look", data={"theme": "dark"})
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/admin/sign-in")

    def test_every_form_on_every_page_is_guarded(self, app: Hub, anybody: FlaskClient) -> None:
        """Whatever the pages can change asks for the token first."""
        posts = [
            rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("admin.") and "POST" in rule.methods
        ]
        assert posts
        for rule in posts:
            assert anybody.post(path_of(app, rule)).status_code in {303, 400}, rule


class TestRefusals:
    def test_a_page_that_does_not_exist_is_told_as_a_page(self, admin: FlaskClient) -> None:
        answer = admin.get("/admin/nowhere")
        assert answer.status_code == 404
        assert answer.mimetype == "text/html"
        assert "Nothing here" in answer.text

    def test_a_wrong_method_is_told_as_a_page(self, admin: FlaskClient) -> None:
        answer = admin.get("/admin/sign-out")
        assert answer.status_code == 405
        assert answer.mimetype == "text/html"

    def test_an_accident_shows_its_number_and_no_trace(
        self, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(admin.application.view_functions, "admin.account.show", _broken)
        answer = admin.get("/admin/account")
        assert answer.status_code == 500
        assert answer.headers["X-Request-Id"] in answer.text
        assert "secret" not in answer.text

    def test_an_api_beside_the_pages_keeps_its_envelope(self, admin: FlaskClient) -> None:
        assert admin.get("/administration").json == {"message": "Not Found."}
        assert admin.get("/api/v1/nowhere").json["message"] == "Not Found."

    def test_the_pages_take_no_other_credential(self, client_as: Callable[..., FlaskClient], erp: FlaskClient) -> None:
        assert client_as("admin").get("/admin").status_code == 303
        assert erp.get("/admin").status_code == 303

    def test_refusals_are_pages_that_people_can_read(self, signed_in: Callable[..., Page]) -> None:
        looked_at(signed_in, "not-found", lambda page: page.goto("/admin/nowhere"))


def _broken() -> str:
    raise RuntimeError("secret")


class TestLanguage:
    def test_the_browser_is_asked_first(self, anybody: FlaskClient) -> None:
        turkish = anybody.get("/admin/sign-in", headers={"Accept-Language": "tr-TR,tr;q=0.9"}).text
        assert 'lang="tr"' in turkish
        assert 'lang="en"' in anybody.get("/admin/sign-in", headers={"Accept-Language": "fi"}).text

    def test_a_stranger_may_choose(self, page: Page, app: Hub) -> None:
        page.goto("/admin/sign-in?next=/admin/account")
        page.get_by_role("button", name="Türkçe").click()
        expect(page.locator("html")).to_have_attribute("lang", "tr")
        assert "next=" in page.url

    def test_the_users_choice_goes_before_the_browsers(self, signed_in: Callable[..., Page]) -> None:
        page = signed_in(language="en")
        page.goto("/admin/account")
        page.get_by_label("Language").select_option("tr")
        page.get_by_label("Theme").select_option("dark")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("html")).to_have_attribute("lang", "tr")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.get_by_role("status")).to_contain_text("Kaydedildi.")


class TestNavigation:
    def test_every_entry_is_a_page(self, app: Hub) -> None:
        for group in NAVIGATION:
            for entry in group.entries:
                assert hasattr(app.view_functions[entry.endpoint], "ability"), entry.endpoint

    def test_everybody_reaches_whatever_is_shown(self, app: Hub) -> None:
        for role in ("admin", "billing", "warehouse", "integrator"):
            with unit_of_work():
                user = a_user(role=role)
            client = app.test_client()
            enter(client, user)
            page = client.get("/admin").text
            shown = re.findall(r'<li><a href="([^"]+)"', page.split("<nav")[1].split("</nav>")[0])
            assert shown
            for path in shown:
                assert client.get(path).status_code == 200, (role, path)

    def test_a_keyboard_reaches_the_content_first(self, signed_in: Callable[..., Page]) -> None:
        page = signed_in()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()

    def test_a_phone_opens_and_leaves_the_menu(self, signed_in: Callable[..., Page]) -> None:
        page = signed_in(phone=True)
        menu = page.get_by_role("navigation", name="Main")
        expect(menu).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        expect(menu).to_be_visible()
        shoot(page, "menu-phone", whole=False)
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()

    def test_the_account_page_can_be_read_and_used_by_everybody(self, signed_in: Callable[..., Page]) -> None:
        looked_at(signed_in, "account", lambda page: page.goto("/admin/account"))


class TestStreams:
    """A browser's ``EventSource`` sends the cookie; nothing else that takes credentials looks at it."""

    def test_a_signed_in_browser_opens_both_streams(self, signed_in: Callable[..., Page]) -> None:
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

    def test_the_cookie_is_worth_nothing_anywhere_else(self, admin: FlaskClient) -> None:
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
            assert admin.open(path, method=method).status_code in {401, 405}, path

    def test_a_stream_asks_what_the_role_may(self, address: str, page: Page, person: Callable[..., User]) -> None:
        sign_in(page, person("admin"))
        [cookie] = page.context.cookies()
        host = address.removeprefix("http://")
        for sent, status in (({"Cookie": f"hub={cookie['value']}"}, 200), ({"Cookie": "hub=forged"}, 401)):
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.request("GET", "/api/v1/stream?topics=sales.*", headers=sent)
            answer = connection.getresponse()
            assert answer.status == status
            answer.close()
            connection.close()

    def test_signing_out_ends_the_streams_that_the_session_opened(
        self, signed_in: Callable[..., Page], open_page: Opener
    ) -> None:
        page = signed_in()
        other = open_page()
        other.context.add_cookies(page.context.cookies())  # the same session in another window
        other.goto("/admin")
        expect(other.locator(".pulse")).to_have_class(re.compile("live"))
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        stream_hub.end_unauthorized_streams()
        expect(other.locator(".pulse")).not_to_have_class(re.compile("live"))

    def test_a_list_on_an_old_page_leads_to_signing_in(self, signed_in: Callable[..., Page]) -> None:
        page = signed_in()
        page.goto("/admin/sales")
        page.context.clear_cookies()
        page.get_by_label("Search").press_sequentially("INV")
        expect(page).to_have_url(re.compile(r"/admin/sign-in\?next=/admin/sales"))
