"""Forms whose session had ended: kept during the sign-in for the same user, and never for another site."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import text

from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.http.app import Hub
from app.sales.queries.lookup import find
from tests.admin import sample_data
from tests.admin.client import csrf_token, sign_in_client, submit_form
from tests.admin.conftest import Opener, assert_accessible, assert_fits, sign_in, take_screenshot
from tests.factories import PASSWORD


def end_sessions() -> None:
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE login_sessions SET revoked_at = now()"))


@pytest.mark.slow
def test_typed_values_survive_the_end_of_the_session(open_page: Opener, create_user: Callable[..., User]) -> None:
    invoice = sample_data.return_invoice()
    user = create_user("billing")
    page = sign_in(open_page(), user)
    page.goto(f"/admin/sales/review/{invoice.id}")
    page.get_by_label("Quantity").first.fill("19")
    page.get_by_label("Resolution note").fill("Counted “again” <b>")
    end_sessions()
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_text("What you typed is kept")).to_be_visible()
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="You are signed in again")).to_be_visible()
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_text(f"{invoice.invoice_no} is corrected.")).to_be_visible()
    corrected = find(invoice.id)
    assert corrected.items[0].quantity == 19
    assert corrected.return_info.resolution_notes == "Counted “again” <b>"


class TestWithoutBrowser:
    @pytest.fixture
    def asha(self, create_user: Callable[..., User]) -> User:
        return create_user("billing", name="Asha")

    def post_after_the_end(self, client: FlaskClient, **fields: Any) -> Any:
        """Submit a form of an invoice after its session has ended."""
        page = f"/admin/sales/{find(sample_data.return_invoice().id).id}"
        data = {"csrf_token": csrf_token(client, page), "reason": "Price in dispute", **fields}
        end_sessions()
        return client.post(f"{page}/steps/hold", data=data, headers={"Referer": f"http://x{page}"})

    def sign_in_with(self, client: FlaskClient, user: User, kept: str) -> Any:
        fields = {"email": user.email, "password": PASSWORD, "kept_form": kept}
        return submit_form(client, "/admin/sign-in", page="/admin/sign-in", **fields)

    def kept(self, answer: Any) -> str:
        match = re.search(r'name="kept_form" value="([^"]+)"', answer.text)
        return match[1] if match else ""

    def test_form_is_offered_to_the_same_user_only(
        self, signed_in_client: Callable[..., FlaskClient], asha: User, create_user: Callable[..., User], app: Hub
    ) -> None:
        client = signed_in_client(asha)
        answer = self.post_after_the_end(client)
        assert answer.status_code == 401
        kept = self.kept(answer)
        other = self.sign_in_with(app.test_client(), create_user("billing"), kept)
        assert (other.status_code, other.headers["Location"]) == (303, "/admin")
        offered = self.sign_in_with(client, asha, kept)
        assert 'value="Price in dispute"' in offered.text
        assert "steps/hold" in offered.text
        token = re.search(r'name="csrf_token" value="([^"]+)"', offered.text)
        assert token
        action = re.search(r'action="(/admin/sales/[^"]+)"', offered.text)
        assert action
        sent = client.post(action[1], data={"csrf_token": token[1], "reason": "x"})
        assert sent.status_code == 303  # the token belongs to the new session

    @pytest.mark.parametrize("fields", [{"csrf_token": "forged"}, {"password": "x"}, {"note": "x" * 300_000}])
    def test_forged_secret_and_large_forms_are_not_kept(
        self, signed_in_client: Callable[..., FlaskClient], asha: User, fields: dict[str, str]
    ) -> None:
        answer = self.post_after_the_end(signed_in_client(asha), **fields)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/admin/sign-in?next=")

    def test_form_of_a_browser_without_a_session_is_not_kept(self, anybody: FlaskClient) -> None:
        answer = anybody.post("/admin/sales/1/steps/hold", data={"csrf_token": csrf_token(anybody), "reason": "x"})
        assert answer.status_code == 303

    @pytest.mark.parametrize("kept", ["", "x", "x.y.z"])
    def test_changed_form_is_dropped(self, anybody: FlaskClient, asha: User, kept: str) -> None:
        answer = self.sign_in_with(anybody, asha, kept)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin")

    def test_second_sign_in_does_not_lose_it(self, signed_in_client: Callable[..., FlaskClient], asha: User) -> None:
        """The user signs in in another window first."""
        client = signed_in_client(asha)
        kept = self.kept(self.post_after_the_end(client))
        sign_in_client(client, asha)
        data = {"kept_form": kept, "email": "", "password": ""}
        assert "You are signed in again" in client.post("/admin/sign-in", data=data).text


@pytest.mark.drill
def test_pages_are_accessible(open_page: Opener, create_user: Callable[..., User]) -> None:
    invoice = sample_data.return_invoice()
    user = create_user("billing")

    def check(page: Page, name: str) -> None:
        assert_accessible(page)
        assert_fits(page, name)
        take_screenshot(page, name)

    for options in ({}, {"dark": True, "language": "tr"}, {"phone": True}):
        page = sign_in(open_page(**options), user)
        page.goto(f"/admin/sales/review/{invoice.id}")
        end_sessions()
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("[name=kept_form]", state="attached")
        name = "-".join(["kept", *options])
        check(page, f"{name}-sign-in")
        page.locator("[name=email]").fill(user.email)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("article button").click()
        page.wait_for_selector("[data-replace-url]")
        check(page, name)
