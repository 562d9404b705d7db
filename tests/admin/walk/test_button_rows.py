"""Rows of buttons on every page: one main action, which is the first; a dangerous one last; Enter does the main one."""

from __future__ import annotations

from collections.abc import Callable

import lxml.html
import pytest
from flask.testing import FlaskClient
from lxml.html import HtmlElement

from app.accounts.models.accounts import User
from app.kernel.http.app import Hub
from tests.admin.walk.filled_hub import fill
from tests.admin.walk.links import reached_pages

MAIN, OTHER, DANGEROUS = range(3)
_BUTTONS = "self::button or (self::a and contains(concat(' ', @class, ' '), ' button '))"


def rank(button: HtmlElement) -> int:
    """The place of a button in its row; in a dialog, what it is there for is the main action, also a dangerous one."""
    kinds = set((button.get("class") or "").split())
    if button.getparent().tag == "footer":
        return MAIN if button.get("type") == "submit" else OTHER
    if "danger" in kinds:
        return DANGEROUS
    return OTHER if kinds & {"secondary", "quiet"} else MAIN


def buttons_of(row: HtmlElement) -> list[HtmlElement]:
    """The buttons of a row, without those of the dialogs that they open."""
    found: list[HtmlElement] = row.xpath(f"./*[{_BUTTONS}] | ./form[not(@id)]/button")
    return found


def disordered_rows(page: HtmlElement) -> list[list[str]]:
    rows = [buttons_of(row) for row in page.xpath("//*[contains(@class, 'actions')] | //dialog//footer")]
    return [
        [one.text_content().strip() for one in row] for row in rows if list(map(rank, row)) != sorted(map(rank, row))
    ]


def several_mains(page: HtmlElement) -> list[list[str]]:
    """Rows with more than one button that looks like the main action."""
    rows = [
        [one for one in buttons_of(row) if rank(one) == MAIN] for row in page.xpath("//*[contains(@class, 'actions')]")
    ]
    return [[one.text_content().strip() for one in mains] for mains in rows if len(mains) > 1]


def wrong_for_enter(page: HtmlElement) -> list[str]:
    """Forms whose first button, which Enter in a field presses, is another one than the main action."""
    found = []
    for form in page.xpath("//main//form[@method='post']"):
        buttons = form.xpath(".//button[@type='submit']")
        mains = [one for one in buttons if rank(one) == MAIN]
        if mains and rank(buttons[0]) != MAIN:
            found.append(buttons[0].text_content().strip())
    return found


def bare_buttons(page: HtmlElement) -> list[str]:
    """Main buttons of forms outside of a row; the panels of signing in have one button of full width."""
    mains = "//main//form[@method='post']//button[@type='submit' and not(@class)]"
    outside = "[not(parent::footer or parent::form[@class='action'] or parent::*[contains(@class, 'actions')])]"
    found = page.xpath(f"{mains}{outside}[not(ancestor::*[contains(@class, 'panel')])]")
    return [button.text_content().strip() for button in found]


@pytest.mark.drill
def test_buttons_have_one_order_on_every_page(
    app: Hub, create_user: Callable[..., User], signed_in_client: Callable[..., FlaskClient], relayed: Callable[[], int]
) -> None:
    user = create_user("admin", name="Ayşe Demir")
    fill(user)
    relayed()
    pages = reached_pages(app, signed_in_client(user))
    faults = []
    for path, text in pages.items():
        page = lxml.html.fromstring(text)
        faults += [
            (path, fault)
            for kind in (disordered_rows, several_mains, wrong_for_enter, bare_buttons)
            for fault in kind(page)
        ]
    assert not faults
    assert len(pages) > 80
