"""Sign-in and sign-out: access, cookie, and the end of a session."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie

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
from tests.admin.client import csrf_token, sign_in_client, submit_form
from tests.admin.conftest import Opener, check_page, sign_in
from tests.factories import PASSWORD, a_user


@pytest.fixture
def asha(app: Hub) -> User:
    with unit_of_work():
        return a_user(role="billing", name="Asha")


def test_visitor_is_redirected_to_sign_in_and_back(page: Page, create_user: Callable[..., User]) -> None:
    page.goto("/admin/account")
    expect(page).to_have_url(re.compile(r"/admin/sign-in\?next="))
    sign_in(page, create_user())
    expect(page).to_have_url(re.compile("/admin/account$"))


def test_wrong_password_and_unknown_user_get_the_same_message(page: Page, create_user: Callable[..., User]) -> None:
    user = create_user(email="asha@hub.example")
    page.goto("/admin/sign-in")
    for email in (user.email, "nobody@hub.example"):
        page.fill("#email", email)
        page.fill("#password", "not the password")
        page.click("article button")
        expect(page.get_by_role("alert")).to_have_text("E-mail or password is wrong.")
    refused = db.session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "session.refused")).all()
    assert refused == [f"user:{user.id}", "user:unknown"]


@pytest.mark.slow
def test_sign_out_ends_the_session_of_a_copied_cookie_too(signed_in: Callable[..., Page], anybody: FlaskClient) -> None:
    page = signed_in()
    [cookie] = [each for each in page.context.cookies() if each["name"] == "hub"]
    anybody.set_cookie(cookie["name"], cookie["value"])
    assert anybody.get("/admin/account").status_code == 200
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert anybody.get("/admin/account").status_code == 303
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_cookie_is_http_only_and_same_site(anybody: FlaskClient, asha: User) -> None:
    cookie = SimpleCookie(sign_in_client(anybody, asha).headers["Set-Cookie"])["hub"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]  # the tests use http, as the local hub does
    assert not cookie["expires"]


def test_cookie_is_secure_in_production(app_with: Callable[..., Hub]) -> None:
    client = app_with(environment="production").test_client()
    answer = client.get("/admin/sign-in", base_url="https://hub.example")
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["__Host-hub"]
    assert cookie["secure"]
    assert answer.headers["Strict-Transport-Security"]


def test_session_expires_twelve_hours_after_its_last_use(
    anybody: FlaskClient, asha: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in_client(anybody, asha)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=11))
    assert anybody.get("/admin/account").status_code == 200  # this request extends the session
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=22))
    assert anybody.get("/admin/account").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=34, minutes=1))
    assert anybody.get("/admin/account").status_code == 303


def test_deactivation_ends_the_session(anybody: FlaskClient, asha: User) -> None:
    sign_in_client(anybody, asha)
    with unit_of_work():
        users.set_active(db.session.get_one(User, asha.id), False, actor="test")
    assert anybody.get("/admin/account").status_code == 303
    assert sign_in_client(anybody, asha).status_code == 200  # the form again


def test_changed_password_ends_all_other_sessions(app: Hub, asha: User) -> None:
    here, there = app.test_client(), app.test_client()
    for client in (here, there):
        sign_in_client(client, asha)
    new = "a new one of ten letters"
    answer = submit_form(here, "/admin/account/password", present=PASSWORD, password=new, again=new)
    assert answer.status_code == 303
    assert here.get("/admin/account").status_code == 200
    assert there.get("/admin/account").status_code == 303
    assert sign_in_client(there, asha, new).status_code == 303


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"present": "wrong"}, "This is not your present password."),
        ({"password": "short", "again": "short"}, "between 10 and 200"),
        ({"again": "another one altogether"}, "The two passwords are different."),
    ],
)
def test_invalid_new_password_is_refused(
    app: Hub, anybody: FlaskClient, asha: User, fields: dict[str, str], message: str
) -> None:
    sign_in_client(anybody, asha)
    valid = {"present": PASSWORD, "password": "a new one of ten letters", "again": "a new one of ten letters"}
    answer = submit_form(anybody, "/admin/account/password", **{**valid, **fields})
    assert message in answer.text
    assert sign_in_client(app.test_client(), asha).status_code == 303


def test_sign_in_attempts_are_limited(app_with: Callable[..., Hub], asha: User) -> None:
    client = app_with(login_limit="2 per minute").test_client()
    token = csrf_token(client)
    fields = {"csrf_token": token, "email": asha.email, "password": "not the password"}
    answers = [client.post("/admin/sign-in", data=fields) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Too many attempts" in answers[-1].text
    assert answers[-1].headers["Retry-After"]
    assert client.get("/admin/sign-in").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/admin", "//evil.example/admin", "/admin\\..", "/docs", "x"]
)
def test_next_parameter_redirects_to_no_other_site(anybody: FlaskClient, asha: User, elsewhere: str) -> None:
    answer = sign_in_client(anybody, asha, query=f"?next={elsewhere}")
    assert answer.headers["Location"] == "/admin"


def test_each_sign_in_creates_a_new_session(anybody: FlaskClient, asha: User) -> None:
    """A session cookie from before the sign-in is not valid after it."""
    before = anybody.get("/admin/sign-in").headers["Set-Cookie"]
    sign_in_client(anybody, asha)
    other = anybody.application.test_client()
    other.set_cookie("hub", SimpleCookie(before)["hub"].value)
    assert other.get("/admin/account").status_code == 303
    assert db.session.scalars(select(LoginSession)).one().user_id == asha.id


def test_a_sign_in_does_not_continue_an_earlier_session(anybody: FlaskClient, asha: User) -> None:
    """Somebody prepares a browser with the cookie of a session that has ended."""
    with unit_of_work():
        mallory = a_user(role="billing", email="mallory@example.com")
    sign_in_client(anybody, mallory)
    prepared = anybody.get_cookie("hub").value
    with unit_of_work():
        users.set_active(db.session.get(User, mallory.id), False, actor="a test")
    sign_in_client(anybody, asha)
    assert asha.email in anybody.get("/admin/account").text
    copy = anybody.application.test_client()
    copy.set_cookie("hub", prepared)
    assert copy.get("/admin/account").status_code == 303


def test_new_hub_explains_how_to_sign_in(page: Page, create_user: Callable[..., User]) -> None:
    user = create_user()
    page.goto("/admin")
    expect(page.get_by_text("No user has signed in yet.")).to_be_visible()
    sign_in(page, user)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("No user has signed in yet.")).to_have_count(0)


def test_sign_in_page_is_accessible(open_page: Opener, app: Hub) -> None:
    check_page(open_page, "sign-in", lambda page: page.goto("/admin/sign-in"))


def test_guesses_at_the_present_password_are_limited(app_with: Callable[..., Hub], asha: User) -> None:
    client = app_with(login_limit="2 per minute").test_client()
    sign_in_client(client, asha)
    fields = {"present": "wrong", "password": "a new one of ten letters", "again": "a new one of ten letters"}
    answers = [submit_form(client, "/admin/account/password", **fields) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
