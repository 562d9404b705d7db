"""Pages of API tokens: creation, rotation, rate limits, revocation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.accounts.models.accounts import User
from app.accounts.models.tokens import AccessToken
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin.actions import call_with_token, confirm, copy_text
from tests.admin.client import sign_in_client, submit_form
from tests.factories import a_token, a_user

SignedIn = Callable[..., Page]
TOKENS, LOGS = "/admin/settings/api", "/admin/settings/api/logs"


@pytest.mark.slow
def test_token_is_created_copied_used_logged_and_revoked(
    signed_in: SignedIn, anybody: FlaskClient, server_url: str
) -> None:
    page = signed_in("integrator")
    page.get_by_role("link", name="API tokens").click()
    page.get_by_role("link", name="Create a token").click()
    page.get_by_label("Name").fill("Web shop")
    page.get_by_label("grn:read").check()
    expect(page.get_by_text("List and read goods receipts, ledgers and master data.")).to_be_visible()
    page.get_by_label("Expires after").select_option("30")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("heading", name="API token created")).to_be_visible()
    plain = copy_text(page, "Token")
    assert re.fullmatch(r"ihub_\w{12}_\w{46}", plain)
    assert copy_text(page, "Example call") == f'curl -sS -H "Authorization: Bearer {plain}" "{server_url}/api/invoices"'

    assert call_with_token(anybody, plain) == 200
    page.reload()
    expect(page.get_by_role("heading", name="API tokens")).to_be_visible()
    assert plain not in page.content()
    row = page.get_by_role("row", name="Web shop")
    expect(row).to_contain_text("30 days left")
    assert "127.0.0.1" in page.request.get("/admin/settings/api?format=csv").text()
    row.get_by_role("link", name="Calls of Web shop").click()
    expect(page.get_by_role("row", name="/api/invoices")).to_contain_text("200")

    page.go_back()
    row.get_by_role("button", name="Revoke").click()
    confirm(page, "Revoke")
    expect(page.get_by_role("status")).to_contain_text("Web shop is revoked")
    expect(row).to_contain_text("Revoked")
    expect(row.get_by_role("button")).to_have_count(0)
    assert call_with_token(anybody, plain) == 401
    page.goto(f"{LOGS}?status=401")
    expect(page.get_by_role("row", name="/api/invoices")).to_contain_text("Web shop")


def test_token_is_rotated_with_a_grace_period_and_limited(signed_in: SignedIn, anybody: FlaskClient) -> None:
    page = signed_in("integrator")
    with unit_of_work():
        _, old = a_token(db.session.query(User).one(), name="Shop")
    page.goto(TOKENS)
    page.get_by_role("button", name="Rotate").click()
    page.get_by_role("dialog").get_by_label("Old secret stays valid for").select_option("1")
    confirm(page, "Rotate")
    expect(page.get_by_role("heading", name="New secret created")).to_be_visible()
    new = page.get_by_label("Token").input_value()
    assert [call_with_token(anybody, plain) for plain in (old, new)] == [200, 200]
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("row", name="Shop")).to_contain_text("Old secret valid until")
    page.get_by_role("button", name="Limits").click()
    page.get_by_role("dialog").get_by_label("Calls per minute").fill("2")
    confirm(page, "Limits")
    expect(page.get_by_role("status")).to_be_visible()
    assert [call_with_token(anybody, new) for _ in range(3)] == [200, 200, 429]


def test_errors_are_shown_at_their_fields(signed_in: SignedIn) -> None:
    page = signed_in("integrator")
    page.goto(f"{TOKENS}/new")
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Allowed IP addresses").fill("192.0.2.7\nmy office")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("my office is neither an address nor a network.")).to_be_visible()
    expect(page.get_by_text("Choose at least one.")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Shop")
    assert db.session.scalars(select(AccessToken)).all() == []


def test_form_offers_and_accepts_only_abilities_of_the_role(signed_in_client: Callable[..., FlaskClient]) -> None:
    client = signed_in_client("billing")
    form = client.get(f"{TOKENS}/new").text
    assert 'value="sales:import"' in form
    assert 'value="webhooks:manage"' not in form
    fields = {"name": "x", "days": "90", "calls": "60", "status_calls": "20", "abilities": "webhooks:manage"}
    answer = submit_form(client, f"{TOKENS}/new", page=f"{TOKENS}/new", **fields)
    assert answer.status_code == 200
    assert db.session.scalars(select(AccessToken)).all() == []


def test_users_see_their_own_tokens_and_an_administrator_sees_all(signed_in_client: Callable[..., FlaskClient]) -> None:
    with unit_of_work():
        admin, mine, theirs = (a_user(role=role) for role in ("admin", "integrator", "integrator"))
        a_token(mine, name="Of mine")
        a_token(theirs, name="Of theirs")
    clients = {user.id: signed_in_client(user) for user in (admin, mine)}
    assert all(name in clients[admin.id].get(TOKENS).text for name in ("Of mine", "Of theirs", theirs.email))
    page = clients[mine.id].get(TOKENS).text
    assert "Of mine" in page
    assert "Of theirs" not in page
    for verb, fields in (
        ("revoke", {}),
        ("rotate", {"grace": "0"}),
        ("limits", {"calls": "1", "status_calls": "1"}),
    ):
        assert submit_form(clients[mine.id], f"{TOKENS}/2/{verb}", page=TOKENS, **fields).status_code == 404, verb
    assert submit_form(clients[admin.id], f"{TOKENS}/2/rotate", page=TOKENS, grace="0").status_code == 404
    assert submit_form(clients[admin.id], f"{TOKENS}/2/revoke", page=TOKENS).status_code == 303
    db.session.expire_all()
    assert db.session.get(AccessToken, 2).revoked_at


def test_a_token_over_the_quota_is_refused_with_a_message(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TOKENS_PER_USER", 1)
    with unit_of_work():
        user = a_user(role="integrator")
        a_token(user)
    client = app.test_client()
    sign_in_client(client, user)
    fields = {"name": "Two", "abilities": "grn:read", "days": "90", "calls": "60", "status_calls": "20"}
    answer = submit_form(client, "/admin/settings/api/new", **fields)
    assert "as many valid tokens as it may have" in answer.text


class TestTokensOfAnotherUser:
    def create(self, client: FlaskClient, owner: str, ability: str = "einvoices:read") -> Any:
        fields = {
            "owner": owner,
            "name": "Shop",
            "abilities": ability,
            "days": "30",
            "calls": "60",
            "status_calls": "20",
        }
        return submit_form(client, f"{TOKENS}/new", page=f"{TOKENS}/new", **fields)

    def test_an_administrator_creates_one(self, signed_in_client: Callable[..., FlaskClient]) -> None:
        with unit_of_work():
            shop = a_user(role="integrator", email="shop@hub.example")
        assert "ihub_" in self.create(signed_in_client("admin"), "Shop@hub.example").text
        assert db.session.scalars(select(AccessToken.user_id)).all() == [shop.id]

    def test_it_cannot_have_more_than_its_user(self, signed_in_client: Callable[..., FlaskClient]) -> None:
        with unit_of_work():
            a_user(role="warehouse", email="floor@hub.example")
        answer = self.create(signed_in_client("admin"), "floor@hub.example")
        assert "The role warehouse does not have it: einvoices:read." in answer.text
        assert "No such user." in self.create(signed_in_client("admin"), "nobody@hub.example").text
        assert not db.session.scalars(select(AccessToken)).all()

    def test_others_create_their_own_only(self, signed_in_client: Callable[..., FlaskClient]) -> None:
        with unit_of_work():
            admin = a_user(role="admin")
        self.create(signed_in_client("integrator"), admin.email)
        assert db.session.scalars(select(AccessToken.user_id)).all() != [admin.id]


def test_the_allowlist_of_a_token_can_be_changed(signed_in: SignedIn, anybody: FlaskClient) -> None:
    page = signed_in("integrator")
    with unit_of_work():
        _, plain = a_token(db.session.query(User).one(), name="Shop")
    page.goto(TOKENS)
    for addresses, expected in (("192.0.2.0/24", 403), ("", 200)):
        page.get_by_role("button", name="Limits").click()
        page.get_by_role("dialog").get_by_label("Allowed IP addresses").fill(addresses)
        confirm(page, "Limits")
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        assert call_with_token(anybody, plain) == expected
