"""Takes every page in all sizes, themes and languages, and lists the faults that a program can see.

``WALK=folder pytest tests/admin/walk/every_page.py -m drill`` writes the pictures and lists of faults into the folder;
``AXE=1`` adds those of axe. People look at the pictures. The tests do not run it: its name does not begin with
``test_``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from playwright.sync_api import Page

from app.accounts.models.accounts import User
from app.admin.i18n import catalogs
from app.kernel.http.app import Hub
from tests.admin.conftest import Opener, sign_in
from tests.admin.walk.filled_hub import SIZES, faults_in, fill
from tests.admin.walk.links import reached_pages

# A browser that leaves a page ends its requests; the server of the tests leaves a PDF of such a request open.
pytestmark = [
    pytest.mark.drill,
    pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning"),
]

FOLDER = Path(os.environ.get("WALK", "/tmp/walk"))


@pytest.fixture
def seller(create_user: Callable[..., User], relayed: Callable[[], int]) -> User:
    user = create_user("admin", name="Ayşe Demir")
    fill(user)
    relayed()
    return user


@pytest.fixture
def paths(app: Hub, seller: User, signed_in_client: Callable[..., FlaskClient]) -> list[str]:
    return list(reached_pages(app, signed_in_client(seller)))


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_walk(open_page: Opener, seller: User, paths: list[str], language: str, dark: bool) -> None:
    page = sign_in(open_page(language=language, dark=dark), seller)
    name = f"{language}-{'dark' if dark else 'light'}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.joinpath(f"pages-{name}.txt").write_text("\n".join(paths))
    with FOLDER.joinpath(f"faults-{name}.txt").open("w") as report:
        for number, path in enumerate(paths):
            page.goto(path)
            for width, fault in take(page, f"{number:03}-{name}", _english_texts() if language == "tr" else None):
                print(f"{path} {width} {name}\t{fault}", file=report, flush=True)


def take(page: Page, name: str, english: list[str] | None) -> Iterator[tuple[int, str]]:
    """Write a picture of the open page in each size, and yield the width and what is wrong."""
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(60)
        page.screenshot(path=FOLDER / f"{name}-{width}.png", full_page=True)
        faults = [*faults_in(page, english), *(_axe_findings(page) if os.environ.get("AXE") else ())]
        yield from ((width, fault) for fault in faults)


def _english_texts() -> list[str]:
    """The texts whose Turkish translation differs."""
    with catalogs.path_of("tr").open("rb") as file:
        catalog = read_po(file)
    return [one.id for one in catalog if one.id and isinstance(one.id, str) and one.string != one.id]


def _axe_findings(page: Page) -> Iterator[str]:
    for violation in Axe().run(page).response["violations"]:
        if violation["impact"] in {"serious", "critical"}:
            yield f"axe {violation['id']}: {[node['html'] for node in violation['nodes']][:3]}"
