"""The handbook: its chapters in each language, the buttons that they name, and the way to them from each page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.admin.assets import FOLDER
from app.admin.handbook import texts
from app.admin.handbook.chapters import CHAPTERS, Chapter, chapter_of
from app.admin.i18n import catalogs
from app.admin.register import PAGES
from app.kernel.http.app import Hub
from app.languages import LANGUAGES, SOURCE
from tests.admin.conftest import check_page

SAME_IN_EACH_LANGUAGE = {"CSV", "Şahin"}
CHAPTERS_AND_LANGUAGES = [(chapter.name, language) for chapter in CHAPTERS for language in LANGUAGES]


def texts_of_pages(language: str) -> set[str]:
    """What buttons, headings and states of the pages say."""
    with catalogs.path_of(next(iter(catalogs.translated()))).open("rb") as file:
        catalog = read_po(file)
    found = {str(message.id if language == SOURCE else message.string) for message in catalog if message.id}
    return {text.removesuffix("…") for text in found}


@pytest.mark.parametrize(("chapter", "language"), CHAPTERS_AND_LANGUAGES)
def test_each_button_that_a_chapter_names_exists(chapter: str, language: str) -> None:
    text = texts.path_of(chapter, language).read_text()
    lead_words = set(re.findall(r"^- \*\*(.+?)\*\*:", text, re.MULTILINE))  # the word that begins a line of a list
    named = set(re.findall(r"\*\*(.+?)\*\*", text)) - lead_words
    named |= {part for path in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", text) for part in path.split(" → ")}
    buttons = {name for name in named if not re.match(r"Ctrl|⌘|Enter", name)} - SAME_IN_EACH_LANGUAGE
    assert {name.removesuffix("…") for name in buttons} - texts_of_pages(language) == set()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_the_languages_say_the_same(chapter: Chapter) -> None:
    shapes = {language: shape(texts.path_of(chapter.name, language).read_text()) for language in LANGUAGES}
    assert len(set(map(tuple, shapes.values()))) == 1, shapes


def shape(text: str) -> list[str]:
    """The kinds of its blocks, in order."""
    return [kind[0] for line in text.splitlines() if line and (kind := re.match(r"#+|- |\d\.|\||!|", line))]


@pytest.mark.parametrize(("chapter", "language"), CHAPTERS_AND_LANGUAGES)
def test_the_pictures_of_a_chapter_are_there(chapter: str, language: str) -> None:
    for picture in texts.pictures_of(chapter, language):
        assert (FOLDER / "handbook" / language / picture).is_file(), picture


def test_each_page_belongs_to_one_chapter() -> None:
    pages = [module.blp.name for module in PAGES]
    chapters_of = {page: [chapter.name for chapter in CHAPTERS if page in chapter.pages] for page in pages}
    without_page = {"assets", "upload_progress", "list_columns"}
    assert {page for page, found in chapters_of.items() if len(found) != 1} == without_page
    assert {page for chapter in CHAPTERS for page in chapter.pages} <= set(pages)


def test_a_page_that_no_chapter_knows_leads_to_the_first_steps(app: Hub) -> None:
    assert chapter_of(None) is CHAPTERS[0]
    assert chapter_of("static") is CHAPTERS[0]
    assert chapter_of("admin.review_desk.index").name == "review-desk"


def test_an_unknown_chapter_is_not_found(signed_in_client: Callable[..., FlaskClient]) -> None:
    assert signed_in_client("warehouse").get("/admin/help/../passwd").status_code == 404
    assert signed_in_client("warehouse").get("/admin/help/nothing").status_code == 404


def test_html_in_a_text_is_shown_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.md"
    file.write_text("A <script>alert(1)</script> & [link](javascript:alert(1))")
    monkeypatch.setattr(texts, "path_of", lambda _chapter, _language: file)
    html = texts.html_of("x", "en", str)
    assert "<script" not in html
    assert 'href="javascript' not in html


def test_help_leads_to_the_chapter_of_the_page(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.goto("/admin/receipts")
    page.get_by_role("link", name="Help for this page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Goods receipts")
    assert page.url.endswith("/admin/help/goods-receipts")
    page.get_by_role("navigation", name="Handbook").get_by_role("link", name="Review desk").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Review desk")
    broken = page.evaluate("[...document.images].filter(one => one.complete && !one.naturalWidth).map(one => one.src)")
    assert broken == []


@pytest.mark.drill
def test_pages_are_accessible(signed_in: Callable[..., Page]) -> None:
    check_page(signed_in, "handbook", lambda page: page.goto("/admin/help/review-desk"))
