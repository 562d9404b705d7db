"""Actions of page tests: visit, confirm a dialog, copy a text, call the API."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts import audit


def call_api(client: FlaskClient, path: str, **headers: str) -> int:
    """GET ``path``, write the call log, return the status."""
    status = client.get(path, headers=headers).status_code
    audit.recorder.flush()
    return status


def call_with_token(client: FlaskClient, token: str, path: str = "/api/invoices") -> int:
    """GET ``path`` with a bearer token, return the status."""
    return call_api(client, path, Authorization=f"Bearer {token}")


def confirm(page: Page, name: str) -> None:
    """Click a button of the open dialog."""
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def visit(page: Page, path: str) -> None:
    """Open a page and check that its status is 200."""
    response = page.goto(path)
    assert response
    assert response.ok, path


def visitor(path: str) -> Callable[[Page], None]:
    """Function that opens ``path`` in a page."""
    return lambda page: visit(page, path)


def copy_text(page: Page, label: str) -> str:
    """Click the copy button of a text, return the text from the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    box = page.locator(".copyable").filter(has=page.get_by_text(label, exact=True))
    box.get_by_role("button").click()
    expect(box.get_by_role("button")).to_have_text("Copied")
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text
