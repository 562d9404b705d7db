"""Rendering of HTML templates to PDF with WeasyPrint, with the fonts of this package and no access to other URLs."""

from __future__ import annotations

import functools
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from app.kernel.bidi import direction_of
from app.kernel.system.collector_pause import collector_paused
from app.pdf import glyph_check
from app.pdf.blank_glyphs import find_blank_characters

FONTS = Path(__file__).parent / "fonts"
#: Font families and their weights, in the order of the search for a glyph.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "NotoSans": ("Regular", "Bold"),
    "NotoSansArabic": ("Regular", "Bold"),
    "NotoSansDevanagari": ("Regular", "Bold"),
    "NotoSansHebrew": ("Regular",),
    "NotoSansArmenian": ("Regular",),
    "NotoSansGeorgian": ("Regular",),
    "NotoSansThai": ("Regular",),
    "NotoSansTamil": ("Regular",),
    "NotoSansMalayalam": ("Regular",),
}
#: Fonts of the machine for all other scripts: a family that is not installed is skipped, and fontconfig chooses
#: among the rest. Without this list it chooses serif fonts for some scripts.
MACHINE_FAMILIES = (
    "Noto Sans Gujarati",
    "Noto Sans Kannada",
    "Noto Sans Sinhala",
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
)
_WEIGHTS = {"Regular": 400, "Bold": 700}
_SCHEME = "font:"
#: Before the names of families, because fontconfig takes ``NotoSans`` for the ``Noto Sans`` of the machine, which is
#: larger, slower and of another version.
_PREFIX = "Hub"


class FontFetcher(URLFetcher):
    """URL fetcher for the fonts of this package and ``data:`` URLs; every other URL is an error."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols={"data"}, allow_redirects=False)

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        if not url.startswith(_SCHEME):
            return super().fetch(url, headers)
        name = url.removeprefix(_SCHEME)
        if name not in _font_files():
            raise ValueError(f"no font {name}")
        media_type = mimetypes.guess_type(name)[0] or "font/ttf"
        return URLFetcherResponse(url, (FONTS / name).read_bytes(), {"Content-Type": media_type})


def render(folder: Path, template: str, data: Mapping[str, Any]) -> bytes:
    """A PDF of a template in ``folder``, filled with ``data``; every value is escaped.

    The file ``.css`` with the name of the template is its style. The same template and data give the same bytes if the
    template sets ``dcterms.created`` and ``dcterms.modified``.
    """
    return html_to_pdf(to_html(folder, template, data), *styles(folder, template))


def to_html(folder: Path, template: str, data: Mapping[str, Any]) -> str:
    """The HTML of the template filled with ``data``; every value is escaped."""
    return _environment(folder).get_template(template).render(data)


def html_to_pdf(html: str, *styles: CSS) -> bytes:
    """A PDF of trusted HTML.

    Raises:
        UnprintableCharacters: no font has some of the characters.
    """
    with collector_paused():
        return _draw(html, *styles)


def _draw(html: str, *styles: CSS) -> bytes:
    with drawn_pages(html, *styles) as (document, finish):
        pdf: bytes = document.write_pdf(finisher=finish)
    return pdf


@contextmanager
def drawn_pages(html: str, *styles: CSS) -> Iterator[tuple[Any, Callable[[Any, Any], None]]]:
    """The pages of trusted HTML, and what the caller passes to ``write_pdf()`` as its finisher.

    Raises:
        UnprintableCharacters: no font has some of the characters; raised at the end of the block.
    """
    fonts, faces = _fonts()
    source = HTML(string=glyph_check.replace_controls(html), base_url=None, url_fetcher=FontFetcher())
    with glyph_check.collect_missing_glyphs() as missing:

        def add_blank_ones(drawn: Any, _pdf: Any) -> None:
            missing.update(find_blank_characters(drawn.fonts.values()))

        yield source.render(font_config=fonts, stylesheets=[faces, *styles]), add_blank_ones
    if missing:
        raise glyph_check.UnprintableCharacters(missing)


def find_missing(text: str) -> frozenset[str]:
    """The characters of ``text`` that no font has; line ends and control characters are not among them."""
    try:
        html_to_pdf(f"<p>{escape(text)}")
    except glyph_check.UnprintableCharacters as error:
        return error.characters
    return frozenset()


@functools.cache
def styles(folder: Path, template: str) -> tuple[CSS, ...]:
    """The style of a template, parsed once per process: parsing takes a tenth of the time of a short document."""
    path = (folder / template).with_suffix(".css")
    fonts, _ = _fonts()
    return (CSS(string=path.read_text(), font_config=fonts, url_fetcher=FontFetcher()),) if path.exists() else ()


@functools.cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # WeasyPrint knows no ``dir="auto"``: a class of this name, with ``direction`` in the style, says it.
    environment.filters["direction"] = direction_of
    return environment


@functools.cache
def _fonts() -> tuple[FontConfiguration, CSS]:
    """Load the fonts once per process: loading takes longer than rendering a document."""
    configuration = FontConfiguration()
    faces = [
        f"@font-face {{ font-family: {_PREFIX}{family}; font-weight: {_WEIGHTS[weight]}; "
        f"src: url({_SCHEME}{family}-{weight}.ttf) }}"
        for family, weights in FAMILIES.items()
        for weight in weights
    ]
    families = ", ".join([*(_PREFIX + family for family in FAMILIES), *(f'"{family}"' for family in MACHINE_FAMILIES)])
    default_style = f"html {{ font-family: {families}, sans-serif }}"
    styles = CSS(string="\n".join([*faces, default_style]), font_config=configuration, url_fetcher=FontFetcher())
    return configuration, styles


@functools.cache
def _font_files() -> frozenset[str]:
    return frozenset(f"{family}-{weight}.ttf" for family, weights in FAMILIES.items() for weight in weights)
