"""What goes wrong at an upload: a corrected file, one that cannot be read any more, a server that is away."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from app.accounts.models.accounts import User
from app.grn import demo
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin.conftest import sign_in
from tests.admin.views.desks.test_receipt_upload import BAD, GOOD, HEADINGS, PAGE

pytestmark = pytest.mark.slow
RECEIPTS = "#receipts tbody tr"


@pytest.fixture(autouse=True)
def _demo(app: Hub) -> None:
    with unit_of_work():
        demo.make_demo()


@pytest.fixture
def upload_page(browser: Browser, server_url: str, create_user: Callable[..., User]) -> Iterator[Page]:
    """Page of its own: htmx logs a failed request, and the pages of other tests allow no error in the console."""
    page = sign_in(browser.new_page(base_url=server_url), create_user("warehouse"))
    page.goto(PAGE)
    yield page
    page.close()


def choose(page: Page, path: Path) -> None:
    """Choose a file in the dialog of the browser."""
    with page.expect_file_chooser() as chooser:
        page.get_by_label("File", exact=True).click()
    chooser.value.set_files(path)


def test_a_corrected_file_is_read_again(upload_page: Page, tmp_path: Path) -> None:
    path = tmp_path / "goods.csv"
    path.write_text(HEADINGS + GOOD + BAD)
    choose(upload_page, path)
    expect(upload_page.locator(RECEIPTS)).to_have_count(2)
    path.write_text(HEADINGS + GOOD)
    choose(upload_page, path)
    expect(upload_page.locator(RECEIPTS)).to_have_count(1)


def test_the_file_stays_when_no_other_is_chosen(upload_page: Page, tmp_path: Path) -> None:
    path = tmp_path / "goods.csv"
    path.write_text(HEADINGS + GOOD)
    choose(upload_page, path)
    field = upload_page.get_by_label("File", exact=True)
    with upload_page.expect_file_chooser():
        field.click()
    field.dispatch_event("cancel")
    upload_page.get_by_role("button", name="Book in the new receipts").click()
    expect(upload_page.locator(".notice")).to_contain_text("Booked in: 1.")


def test_a_file_that_was_changed_meanwhile_is_chosen_again(upload_page: Page, tmp_path: Path) -> None:
    path = tmp_path / "goods.csv"
    path.write_text(HEADINGS + GOOD)
    choose(upload_page, path)
    expect(upload_page.locator(RECEIPTS)).to_have_count(1)
    path.write_text(HEADINGS + GOOD + BAD)
    later = path.stat().st_mtime + 2  # the browser compares whole seconds
    os.utime(path, (later, later))
    upload_page.get_by_role("button", name="Book in the new receipts").click()
    expect(upload_page.get_by_role("alert")).to_contain_text("The file was changed or moved after you chose it.")
    choose(upload_page, path)
    expect(upload_page.locator(RECEIPTS)).to_have_count(2)
    expect(upload_page.get_by_role("alert")).to_be_hidden()


def test_a_download_while_the_page_loads_leaves_the_page_its_scripts(upload_page: Page, tmp_path: Path) -> None:
    path = tmp_path / "goods.csv"
    path.write_text(HEADINGS + GOOD)

    def wait(route: Route) -> None:
        time.sleep(0.5)
        route.continue_()

    upload_page.route("**/upload.js", wait)
    upload_page.goto("/admin/receipts")
    upload_page.get_by_role("link", name="Book in from a file").click(no_wait_after=True)
    with upload_page.expect_download():
        upload_page.get_by_role("link", name="Sample file").click(no_wait_after=True)
    choose(upload_page, path)
    expect(upload_page.locator(RECEIPTS)).to_have_count(1)


def test_a_server_that_is_away_is_asked_again(upload_page: Page, tmp_path: Path) -> None:
    page, path = upload_page, tmp_path / "goods.csv"
    path.write_text(HEADINGS + GOOD)

    def cut(route: Route) -> None:
        route.abort()

    def fails_once(address: str, action: Callable[[], None], proof: str) -> None:
        page.route(address, cut)
        action()
        expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
        page.unroute(address)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(proof)).to_have_count(1)
        expect(page.get_by_role("alert")).to_be_hidden()

    fails_once(f"**{PAGE}/preview", lambda: choose(page, path), RECEIPTS)
    fails_once(f"**{PAGE}", page.get_by_role("button", name="Book in the new receipts").click, ".notice.good")
