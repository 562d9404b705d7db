"""``docs/architecture.md`` and the decision records name files that exist; the README leads to the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [DOCS / "architecture.md", ROOT / "CONTRIBUTING.md", *sorted((DOCS / "decisions").glob("*.md"))]
_PATH = re.compile(r"`((?:app|tests|docs|deploy|bench|migrations)/[\w./-]+?)/?`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_and_links_exist(page: Path) -> None:
    text = page.read_text()
    example = {"app/admin/static/vendor"}  # made by the set-up
    assert not [path for path in _PATH.findall(text) if path not in example and not (ROOT / path).exists()]
    assert not [link for link in _LINK.findall(text) if not (page.parent / link).exists()]


def test_every_package_is_described() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    packages = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    assert not [name for name in packages if f"| `app/{name}` |" not in text]


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "docs/pages.md"])
def test_the_readme_links_the_pages_for_developers(page: str) -> None:
    assert f"({page})" in (ROOT / "README.md").read_text()
