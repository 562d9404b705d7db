"""Language and theme of the viewer."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.kernel.http.app import Hub


def test_language_of_the_browser_is_the_default(anybody: FlaskClient) -> None:
    turkish = anybody.get("/admin/sign-in", headers={"Accept-Language": "tr-TR,tr;q=0.9"}).text
    assert 'lang="tr"' in turkish
    assert 'lang="en"' in anybody.get("/admin/sign-in", headers={"Accept-Language": "fi"}).text


def test_visitor_chooses_a_language_before_sign_in(page: Page, app: Hub) -> None:
    page.goto("/admin/sign-in?next=/admin/account")
    page.get_by_role("button", name="Türkçe").click()
    expect(page.locator("html")).to_have_attribute("lang", "tr")
    assert "next=" in page.url


def test_choice_of_the_user_overrides_the_browser(signed_in: Callable[..., Page]) -> None:
    page = signed_in(language="en")
    page.goto("/admin/account")
    page.get_by_label("Language", exact=True).select_option("tr")
    page.get_by_label("Theme", exact=True).select_option("dark")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("lang", "tr")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("status")).to_contain_text("Kaydedildi.")
