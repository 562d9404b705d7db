"""Signing in and out of the pages: who gets in, what the cookie is, and what ends a session."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.accounts import users
from app.accounts.models.accounts import AuditEntry, LoginSession, User
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin.conftest import Opener, looked_at, sign_in
from tests.factories import PASSWORD, a_user


def token_of(client: FlaskClient, path: str = "/admin/sign-in") -> str:
    """The token of a form on a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def post(client: FlaskClient, path: str, *, on: str = "/admin/account", **fields: Any) -> Any:
    """Send a form as the page ``on`` would."""
    return client.post(path, data={"csrf_token": token_of(client, on), **fields}, headers={"Referer": f"http://x{on}"})


def enter(client: FlaskClient, user: User, password: str = PASSWORD, following: str = "") -> Any:
    """Sign in without a browser."""
    path = f"/admin/sign-in{following}"
    return post(client, path, on=path, email=user.email, password=password)


@pytest.fixture
def asha(app: Hub) -> User:
    with unit_of_work():
        return a_user(role="billing", name="Asha")


def test_a_stranger_is_sent_to_sign_in_and_back(page: Page, person: Callable[..., User]) -> None:
    page.goto("/admin/account")
    expect(page).to_have_url(re.compile(r"/admin/sign-in\?next="))
    sign_in(page, person())
    expect(page).to_have_url(re.compile("/admin/account$"))


def test_a_wrong_password_is_told_and_nothing_more(page: Page, person: Callable[..., User]) -> None:
    user = person(email="asha@hub.example")
    page.goto("/admin/sign-in")
    for email in (user.email, "nobody@hub.example"):
        page.fill("#email", email)
        page.fill("#password", "not the password")
        page.click("article button")
        expect(page.get_by_role("alert")).to_have_text("E-mail or password is wrong.")
    refused = db.session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "session.refused")).all()
    assert refused == [f"user:{user.id}", "user:unknown"]


@pytest.mark.main_job
def test_signing_out_ends_the_session_for_a_copied_cookie_too(
    signed_in: Callable[..., Page], anybody: FlaskClient
) -> None:
    page = signed_in()
    [cookie] = page.context.cookies()
    anybody.set_cookie(cookie["name"], cookie["value"])
    assert anybody.get("/admin/account").status_code == 200
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert anybody.get("/admin/account").status_code == 303
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(anybody: FlaskClient, asha: User) -> None:
    cookie = SimpleCookie(enter(anybody, asha).headers["Set-Cookie"])["hub"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]  # the tests speak http, as the local run does
    assert not cookie["expires"]


def test_in_production_the_cookie_travels_over_https_alone(app_with: Callable[..., Hub]) -> None:
    client = app_with(environment="production").test_client()
    answer = client.get("/admin/sign-in", base_url="https://hub.example")
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["__Host-hub"]
    assert cookie["secure"]
    assert answer.headers["Strict-Transport-Security"]


def test_a_session_that_nobody_uses_ends(anybody: FlaskClient, asha: User, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(anybody, asha)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=11))
    assert anybody.get("/admin/account").status_code == 200  # which moves the end
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=22))
    assert anybody.get("/admin/account").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=34, minutes=1))
    assert anybody.get("/admin/account").status_code == 303


def test_a_deactivated_user_is_out_at_once(anybody: FlaskClient, asha: User) -> None:
    enter(anybody, asha)
    with unit_of_work():
        users.set_active(db.session.get_one(User, asha.id), False, actor="test")
    assert anybody.get("/admin/account").status_code == 303
    assert enter(anybody, asha).status_code == 200  # the form again


def test_a_changed_password_ends_every_other_session(app: Hub, asha: User) -> None:
    here, there = app.test_client(), app.test_client()
    for client in (here, there):
        enter(client, asha)
    new = "a new one of ten letters"
    answer = post(here, "/admin/account/password", present=PASSWORD, password=new, again=new)
    assert answer.status_code == 303
    assert here.get("/admin/account").status_code == 200
    assert there.get("/admin/account").status_code == 303
    assert enter(there, asha, new).status_code == 303


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"present": "wrong"}, "This is not your present password."),
        ({"password": "short", "again": "short"}, "between 10 and 200"),
        ({"again": "another one altogether"}, "The two passwords differ."),
    ],
)
def test_a_password_is_not_changed_by_mistake(
    app: Hub, anybody: FlaskClient, asha: User, fields: dict[str, str], said: str
) -> None:
    enter(anybody, asha)
    good = {"present": PASSWORD, "password": "a new one of ten letters", "again": "a new one of ten letters"}
    answer = post(anybody, "/admin/account/password", **{**good, **fields})
    assert said in answer.text
    assert enter(app.test_client(), asha).status_code == 303


def test_attempts_are_limited(app_with: Callable[..., Hub], asha: User) -> None:
    client = app_with(login_limit="2 per minute").test_client()
    token = token_of(client)
    fields = {"csrf_token": token, "email": asha.email, "password": "not the password"}
    answers = [client.post("/admin/sign-in", data=fields) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Too many attempts" in answers[-1].text
    assert answers[-1].headers["Retry-After"]
    assert client.get("/admin/sign-in").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/admin", "//evil.example/admin", "/admin\\..", "/docs", "x"]
)
def test_nobody_is_sent_elsewhere_by_a_crafted_link(anybody: FlaskClient, asha: User, elsewhere: str) -> None:
    answer = enter(anybody, asha, following=f"?next={elsewhere}")
    assert answer.headers["Location"] == "/admin"


def test_a_session_is_new_with_each_sign_in(anybody: FlaskClient, asha: User) -> None:
    """What a stranger may have planted before is worth nothing after."""
    before = anybody.get("/admin/sign-in").headers["Set-Cookie"]
    enter(anybody, asha)
    other = anybody.application.test_client()
    other.set_cookie("hub", SimpleCookie(before)["hub"].value)
    assert other.get("/admin/account").status_code == 303
    assert db.session.scalars(select(LoginSession)).one().user_id == asha.id


def test_a_new_hub_tells_how_to_sign_in(page: Page, person: Callable[..., User]) -> None:
    user = person()
    page.goto("/admin")
    expect(page.get_by_text("Nobody has signed in yet.")).to_be_visible()
    sign_in(page, user)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Nobody has signed in yet.")).to_have_count(0)


def test_the_form_can_be_read_and_used_by_everybody(open_page: Opener, app: Hub) -> None:
    looked_at(open_page, "sign-in", lambda page: page.goto("/admin/sign-in"))
