"""Sign-in over plain http in production: refused with the reason, or allowed by ``ALLOW_HTTP`` with a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import User
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_user

REASON, WARNING = "Open it over https", "This connection is not encrypted"
HTTP, HTTPS = {"base_url": "http://hub.example"}, {"base_url": "https://hub.example"}


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
    client = app_with(environment="production").test_client()
    page = client.get("/admin/sign-in", **HTTPS).text
    assert REASON not in page
