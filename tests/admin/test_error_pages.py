"""Error pages, and JSON errors outside the pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page

from tests.admin.conftest import check_page


def test_unknown_path_gets_an_html_error_page(admin_client: FlaskClient) -> None:
    answer = admin_client.get("/admin/nowhere")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "Page not found" in answer.text


def test_wrong_method_gets_an_html_error_page(admin_client: FlaskClient) -> None:
    answer = admin_client.get("/admin/sign-out")
    assert answer.status_code == 405
    assert answer.mimetype == "text/html"


def test_server_error_shows_the_request_id_and_no_details(
    admin_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(admin_client.application.view_functions, "admin.account.show", _fail)
    answer = admin_client.get("/admin/account")
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.text
    assert "secret" not in answer.text


def test_errors_outside_the_pages_stay_json(admin_client: FlaskClient) -> None:
    assert admin_client.get("/administration").json == {"message": "Not Found."}
    assert admin_client.get("/api/v1/nowhere").json["message"] == "Not Found."


def test_pages_accept_only_the_session_cookie(client_as: Callable[..., FlaskClient], erp: FlaskClient) -> None:
    assert client_as("admin").get("/admin").status_code == 303
    assert erp.get("/admin").status_code == 303


def test_error_page_is_accessible(signed_in: Callable[..., Page]) -> None:
    check_page(signed_in, "not-found", lambda page: page.goto("/admin/nowhere"))


def _fail() -> str:
    raise RuntimeError("secret")
