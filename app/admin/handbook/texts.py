"""Texts of the handbook: Markdown files, one for each chapter and language, as HTML."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

TEXTS = Path(__file__).parent / "texts"


def path_of(chapter: str, language: str) -> Path:
    """The file of a chapter."""
    return TEXTS / language / f"{chapter}.md"


def html_of(chapter: str, language: str, url_of_picture: Callable[[str], str]) -> Markup:
    """A chapter as HTML; a text cannot contain HTML of its own."""
    markdown = _markdown()
    tokens = markdown.parse(path_of(chapter, language).read_text())
    for token in tokens:
        for inner in token.children or ():
            _set_address(inner, url_of_picture)
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704, no HTML of a caller is in it


def pictures_of(chapter: str, language: str) -> list[str]:
    """File names of the pictures of a chapter."""
    tokens = _markdown().parse(path_of(chapter, language).read_text())
    return [str(inner.attrGet("src")) for token in tokens for inner in token.children or () if inner.type == "image"]


@cache
def _markdown() -> MarkdownIt:
    """The reader of Markdown; loaded when the handbook is read first."""
    from markdown_it import MarkdownIt  # noqa: PLC0415

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _set_address(token: Token, url_of_picture: Callable[[str], str]) -> None:
    """Let a picture have its address among the static files, and a link to another chapter the address of its page."""
    if token.type == "image":
        token.attrSet("src", url_of_picture(str(token.attrGet("src"))))
        token.attrSet("loading", "lazy")
    elif token.type == "link_open":
        token.attrSet("href", str(token.attrGet("href")).removesuffix(".md"))
