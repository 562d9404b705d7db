"""Pages without a browser: sign in and submit forms by Flask's test client."""

from __future__ import annotations

import html
import re
from typing import Any

from flask.testing import FlaskClient

from app.accounts.models.accounts import User
from tests.factories import PASSWORD


def csrf_token(client: FlaskClient, path: str = "/admin/sign-in") -> str:
    """CSRF token of a form on a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def submit_form(client: FlaskClient, path: str, *, page: str = "/admin/account", **fields: Any) -> Any:
    """POST a form to ``path`` as ``page`` would."""
    data = {"csrf_token": csrf_token(client, page), **fields}
    return client.post(path, data=data, headers={"Referer": f"http://x{page}"})


def newer_version(answer: Any) -> str:
    """The version that a form offers to replace, after a refusal because somebody changed what it changes."""
    assert "Open the newer version in a new tab" in answer.text
    found = re.search(r'name="replaces" value="([^"]+)"', answer.text)
    assert found
    return html.unescape(found[1])


def sign_in_client(client: FlaskClient, user: User, password: str = PASSWORD, query: str = "") -> Any:
    """Sign in without a browser; ``query`` is the query string of the sign-in page."""
    path = f"/admin/sign-in{query}"
    return submit_form(client, path, page=path, email=user.email, password=password)
