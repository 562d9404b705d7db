"""Fixtures of page tests: a server on loopback, Chromium, pages that fail their test on any error, signed-in users."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request
from werkzeug.serving import ThreadedWSGIServer, make_server

from app.accounts.models.accounts import User
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.stream.broadcaster import broadcaster as stream_hub
from tests.admin.client import sign_in_client
from tests.factories import PASSWORD, a_user
from tests.serving import serving

DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
TABLET = {"width": 1024, "height": 768}
#: Folder for the pictures of ``take_screenshot``; without it no picture is written.
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all browser tests on one worker, with one browser.

    Those without the marker ``main_job`` or ``slow`` are drills, and take turns in the short form.
    """
    for item in items:
        if "open_page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("pages"))
            if not (item.get_closest_marker("main_job") or item.get_closest_marker("slow")):
                item.add_marker(pytest.mark.drill)
                item.add_marker(pytest.mark.takes_turns)


@pytest.fixture(scope="session")
def _server(_migrated: Hub) -> Iterator[ThreadedWSGIServer]:
    """The application of the tests on a local port, with a thread per request."""
    server = make_server("127.0.0.1", 0, _migrated, threaded=True)
    assert isinstance(server, ThreadedWSGIServer)
    server.daemon_threads = True
    with serving(server):
        yield server


@pytest.fixture
def server_url(app: Hub, _server: ThreadedWSGIServer) -> str:
    """URL of the hub; browsers treat ``localhost`` as secure, like https."""
    stream_hub._head = 0  # event positions restart with each test
    return f"http://localhost:{_server.server_port}"


class Opener(Protocol):
    """Opens a page in a new browser context: narrow, dark, or with a preferred language."""

    def __call__(self, *, phone: bool = False, dark: bool = False, language: str = "en") -> Page: ...


@pytest.fixture
def open_page(browser: Browser, server_url: str) -> Iterator[Opener]:
    """Open pages that fail the test on a console error, a script error, or a request outside the hub."""
    problems: list[str] = []
    contexts: list[BrowserContext] = []

    def on_console(message: ConsoleMessage) -> None:
        # The browser also logs error statuses; a test that provokes one checks it itself.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            problems.append(message.text)

    def on_request(request: Request) -> None:
        # Chromium's PDF viewer loads pages of an extension.
        if not request.url.startswith((f"{server_url}/", "data:", "blob:", "chrome://", "chrome-extension://")):
            problems.append(f"request outside the hub: {request.url}")

    def open_(*, phone: bool = False, dark: bool = False, language: str = "en") -> Page:
        context = browser.new_context(
            base_url=server_url,
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            locale=language,
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        context.on("console", on_console)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        context.on("request", on_request)
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture
def page(open_page: Opener) -> Page:
    """Page of a desktop browser with English as preferred language."""
    return open_page()


@pytest.fixture
def create_user(app: Hub) -> Callable[..., User]:
    """Create a user with the password ``PASSWORD``."""

    def create(role: str = "admin", **values: Any) -> User:
        with unit_of_work():
            return a_user(role=role, **values)

    return create


@pytest.fixture
def signed_in_client(app: Hub, create_user: Callable[..., User]) -> Callable[..., FlaskClient]:
    """Create a test client that is signed in as a user, or as a new user of a role."""

    def create(user: User | str = "admin") -> FlaskClient:
        client = app.test_client()
        sign_in_client(client, create_user(user) if isinstance(user, str) else user)
        return client

    return create


@pytest.fixture
def admin_client(signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
    """Test client that is signed in as an administrator."""
    return signed_in_client("admin")


def sign_in(page: Page, user: User, password: str = PASSWORD) -> Page:
    """Sign in as a create_user does; afterwards the page is where one wanted to be."""
    if "/admin/sign-in" not in page.url:
        page.goto("/admin")
    page.get_by_role("textbox", name="mail").or_(page.get_by_label("E-posta")).fill(user.email)
    page.locator("input[name=password]").fill(password)
    page.locator("article button[type=submit]").click()
    page.wait_for_url(lambda url: "/admin/sign-in" not in url)
    return page


@pytest.fixture
def signed_in(open_page: Opener, create_user: Callable[..., User]) -> Callable[..., Page]:
    """Open a page that is signed in as a new user of a role."""

    def open_(
        role: str = "admin", *, phone: bool = False, dark: bool = False, language: str = "en", **values: Any
    ) -> Page:
        return sign_in(open_page(phone=phone, dark=dark, language=language), create_user(role, **values))

    return open_


def assert_accessible(page: Page) -> None:
    """Check that axe finds no serious or critical violation."""
    violations = Axe().run(page).response["violations"]
    serious = [violation for violation in violations if violation["impact"] in {"serious", "critical"}]
    assert not [(violation["id"], [node["html"] for node in violation["nodes"]][:3]) for violation in serious]


def assert_fits(page: Page, name: str) -> None:
    """Check that the page and its tables have no horizontal scroll bar."""
    excess = page.evaluate(
        "Math.max(...[document.documentElement, ...document.querySelectorAll('.table')]"
        ".map(element => element.scrollWidth - element.clientWidth))"
    )
    assert excess <= 0, f"{name} is {excess} pixels too wide"


def assert_fits_on_tablet(page: Page, name: str) -> None:
    """Check and show the page at the width of a tablet, and go back to the width of a desktop."""
    page.set_viewport_size(TABLET)  # type: ignore[arg-type]
    assert_fits(page, f"{name}-tablet")
    take_screenshot(page, f"{name}-tablet")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


def take_screenshot(page: Page, name: str, *, full_page: bool = True) -> None:
    """Write a picture of the page to the folder ``SCREENSHOTS``, if it is set."""
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=full_page)


def check_page(opener: Callable[..., Page], name: str, visit: Callable[[Page], object]) -> None:
    """Visit a page and see it in light, dark and phone style, and on a tablet; it is accessible and not too wide."""
    page = opener()
    visit(page)
    for style in ("light", "dark", "phone"):
        page.emulate_media(color_scheme="dark" if style == "dark" else "light")
        page.set_viewport_size(PHONE if style == "phone" else DESKTOP)  # type: ignore[arg-type]
        assert_accessible(page)
        assert_fits(page, f"{name}-{style}")
        take_screenshot(page, f"{name}-{style}")
        if style == "light":
            assert_fits_on_tablet(page, name)
