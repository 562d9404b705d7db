"""The pages in a real browser: a server on loopback, Chromium, and a page that fails its test on any complaint."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
)
from werkzeug.serving import ThreadedWSGIServer, make_server

from app.accounts.models.accounts import User
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.stream.broadcaster import broadcaster as stream_hub
from tests.factories import PASSWORD, a_user

DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
#: Set this to a folder to look at what ``shoot`` sees; without it nothing is written.
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of pages with a browser run on one worker: it is started once. `make test` does the main jobs only."""
    for item in items:
        if "open_page" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("pages"))
            if not item.get_closest_marker("main_job"):
                item.add_marker(pytest.mark.drill)


@pytest.fixture(scope="session")
def _server(_migrated: Hub) -> Iterator[ThreadedWSGIServer]:
    """The application of the tests on a port of this machine, a thread for each request."""
    server = make_server("127.0.0.1", 0, _migrated, threaded=True)
    assert isinstance(server, ThreadedWSGIServer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def address(app: Hub, _server: ThreadedWSGIServer) -> str:
    """Where the hub is; browsers take ``localhost`` for a safe place, as https is."""
    stream_hub._head = 0  # in step with a log whose positions begin anew for each test
    return f"http://localhost:{_server.server_port}"


class Opener(Protocol):
    """Opens a browser of its own: ``phone`` is narrow, ``dark`` prefers dark, ``language`` is what it asks for."""

    def __call__(self, *, phone: bool = False, dark: bool = False, language: str = "en") -> Page: ...


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Opener]:
    """Make pages that fail the test on a console error, a script's error, or a request that leaves the hub."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def heard(message: ConsoleMessage) -> None:
        # A refusal that a test provokes is on the console as well; the test looks at it itself.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def asked(request: Request) -> None:
        # Chromium's own viewer of PDFs is made of pages of its own.
        if not request.url.startswith((f"{address}/", "data:", "blob:", "chrome://", "chrome-extension://")):
            complaints.append(f"left the hub: {request.url}")

    def make(*, phone: bool = False, dark: bool = False, language: str = "en") -> Page:
        context = browser.new_context(
            base_url=address,
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            locale=language,
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        context.on("console", heard)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("request", asked)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def page(open_page: Opener) -> Page:
    """A page of a desktop browser that asks for English."""
    return open_page()


@pytest.fixture
def person(app: Hub) -> Callable[..., User]:
    """Make a stored user, whose password is ``PASSWORD``."""

    def make(role: str = "admin", **facts: Any) -> User:
        with unit_of_work():
            return a_user(role=role, **facts)

    return make


def sign_in(page: Page, user: User, password: str = PASSWORD) -> Page:
    """Sign in as a person does; afterwards the page is where one wanted to be."""
    if "/admin/sign-in" not in page.url:
        page.goto("/admin")
    page.get_by_role("textbox", name="mail").or_(page.get_by_label("E-posta")).fill(user.email)
    page.locator("input[name=password]").fill(password)
    page.locator("article button[type=submit]").click()
    page.wait_for_url(lambda url: "/admin/sign-in" not in url)
    return page


@pytest.fixture
def signed_in(open_page: Opener, person: Callable[..., User]) -> Callable[..., Page]:
    """Open a page that a new user of a role is signed in on; the user's facts and the browser's may be given."""

    def make(
        role: str = "admin", *, phone: bool = False, dark: bool = False, language: str = "en", **facts: Any
    ) -> Page:
        return sign_in(open_page(phone=phone, dark=dark, language=language), person(role, **facts))

    return make


def assert_accessible(page: Page) -> None:
    """No serious or critical fault in the eyes of axe."""
    found = Axe().run(page).response["violations"]
    serious = [fault for fault in found if fault["impact"] in {"serious", "critical"}]
    told = [(fault["id"], [node["html"] for node in fault["nodes"]][:3]) for fault in serious]
    assert not told


def shoot(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture of the page in ``SCREENSHOTS``, if somebody wants to look."""
    if SCREENSHOTS:
        folder = Path(SCREENSHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=whole)


def looked_at(opener: Callable[..., Page], name: str, visit: Callable[[Page], object]) -> None:
    """Visit a page in light, dark and on a phone: axe finds nothing serious, nothing sticks out, pictures are kept."""
    for style, how in {"light": {}, "dark": {"dark": True}, "phone": {"phone": True}}.items():
        page = opener(**how)
        visit(page)
        assert_accessible(page)
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, f"{name} is {width} pixels too wide in {style}"
        shoot(page, f"{name}-{style}")
