"""Security headers: no answer is stored by a cache or read as another type."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.kernel.unit_of_work import unit_of_work
from tests.factories import PASSWORD, a_user


@pytest.mark.parametrize(
    "path",
    ["/api/sales/invoices/", "/api/invoices", "/api/v1/einvoices", "/api/auth/me/", "/healthz", "/nowhere", "/docs",
     "/openapi.json", "/metrics", "/admin/sign-in", "/admin/nowhere"],
)  # fmt: skip
def test_every_answer_has_them(anybody: FlaskClient, path: str) -> None:
    answer = anybody.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_tokens_of_a_login_are_not_stored(anybody: FlaskClient) -> None:
    with unit_of_work():
        user = a_user(role="billing")
    answer = anybody.post("/api/auth/login/", json={"email": user.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_styles_are_still_stored(anybody: FlaskClient) -> None:
    page = anybody.get("/admin/sign-in").text
    style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = anybody.get(style, buffered=True)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "public" in answer.headers["Cache-Control"]
