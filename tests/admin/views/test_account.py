"""Account page."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.admin.conftest import check_page


def test_account_page_is_accessible(signed_in: Callable[..., Page]) -> None:
    check_page(signed_in, "account", lambda page: page.goto("/admin/account"))
