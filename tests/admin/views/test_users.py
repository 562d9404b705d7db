"""Pages of users: creation, role, password, deactivation."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts import users as accounts_users
from app.accounts.models.accounts import User
from tests.admin.actions import confirm
from tests.admin.client import submit_form
from tests.admin.conftest import Opener, sign_in
from tests.factories import PASSWORD

SignedIn = Callable[..., Page]
USERS, SELLER = "/admin/users", "/admin/settings/seller"


def test_user_is_created_signs_in_changes_role_and_is_deactivated(signed_in: SignedIn, open_page: Opener) -> None:
    page = signed_in("admin")
    page.get_by_role("link", name="Users").click()
    page.get_by_role("link", name="Create a user").click()
    page.get_by_label("E-mail address").fill("banu@hub.example")
    page.get_by_label("Name").fill("Banu")
    page.get_by_label("Role").select_option("billing")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create user").click()
    expect(page.get_by_role("status")).to_contain_text("Banu can sign in now.")
    banu = accounts_users.get_user_by_email("banu@hub.example")
    user_page = sign_in(open_page(), banu)
    row = page.get_by_role("row", name="Banu")
    row.get_by_role("button", name="Role").click()
    page.get_by_role("dialog").get_by_label("Role").select_option("warehouse")
    confirm(page, "Role")
    expect(row).to_contain_text("Warehouse")
    user_page.goto(SELLER)
    expect(user_page.get_by_role("heading", name="You do not have permission")).to_be_visible()
    row.get_by_role("button", name="New password").click()
    confirm(page, "New password")
    password = page.get_by_label("Password").input_value()
    user_page.goto("/admin")
    sign_in(user_page, banu, password)
    page.get_by_role("link", name="I have copied it").click()
    row.get_by_role("button", name="Deactivate").click()
    confirm(page, "Deactivate")
    expect(row).to_contain_text("Inactive")
    user_page.goto("/admin")
    expect(user_page.get_by_role("heading", name="Sign in")).to_be_visible()
    row.get_by_role("button", name="Activate").click()
    expect(row).not_to_contain_text("Inactive")


def test_last_administrator_keeps_the_role(signed_in: SignedIn) -> None:
    page = signed_in("admin")
    page.goto(USERS)
    page.get_by_role("button", name="Role").click()
    page.get_by_role("dialog").get_by_label("Role").select_option("billing")
    confirm(page, "Role")
    dialog = page.get_by_role("dialog", name="Role of")
    expect(dialog.get_by_role("alert")).to_contain_text("This is the last active admin")
    expect(dialog.get_by_label("Role")).to_have_value("billing")
    expect(page.get_by_role("button", name="Deactivate")).to_have_count(0)


def test_duplicate_email_address_is_refused(
    signed_in_client: Callable[..., FlaskClient], create_user: Callable[..., User]
) -> None:
    user = create_user("admin")
    client = signed_in_client(user)
    fields = {"email": user.email, "name": "x", "role": "billing", "password": PASSWORD}
    answer = submit_form(client, f"{USERS}/new", page=f"{USERS}/new", **fields)
    assert "A user with this e-mail address already exists." in answer.text
    assert PASSWORD not in answer.text
