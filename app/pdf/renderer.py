"""``render(template, data) -> bytes``: the one way to a PDF, with our own fonts and no door to the outside."""

from __future__ import annotations

import functools
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

FONTS = Path(__file__).parent / "fonts"
#: Each family with its weights, in the order in which a glyph is looked for.
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
_WEIGHTS = {"Regular": 400, "Bold": 700}
_SCHEME = "font:"


class FontFetcher(URLFetcher):
    """Opens the fonts of this room and what a document carries in itself; every other address is refused."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols={"data"}, allow_redirects=False)

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        if not url.startswith(_SCHEME):
            return super().fetch(url, headers)
        name = url.removeprefix(_SCHEME)
        if name not in _files():
            raise ValueError(f"no font {name}")
        media_type = mimetypes.guess_type(name)[0] or "font/ttf"
        return URLFetcherResponse(url, (FONTS / name).read_bytes(), {"Content-Type": media_type})


def render(folder: Path, template: str, data: Mapping[str, Any]) -> bytes:
    """A PDF of a template in ``folder``, filled with ``data``; every value is escaped.

    What stands in a ``.css`` of the template's name is its style.
    The same template and data give the same bytes, provided that the template states ``dcterms.created`` and
    ``dcterms.modified``.
    """
    return html_to_pdf(to_html(folder, template, data), *styles(folder, template))


def to_html(folder: Path, template: str, data: Mapping[str, Any]) -> str:
    """The template filled with ``data``, every value escaped."""
    return _environment(folder).get_template(template).render(data)


def html_to_pdf(html: str, *styles: CSS) -> bytes:
    """A PDF of HTML that was written by us."""
    fonts, faces = _fonts()
    document = HTML(string=html, base_url=None, url_fetcher=FontFetcher())
    pdf: bytes = document.write_pdf(font_config=fonts, stylesheets=[faces, *styles])
    return pdf


@functools.cache
def styles(folder: Path, template: str) -> tuple[CSS, ...]:
    """The style of a template, parsed once in a process: each time, it would be a tenth of a short document's work."""
    path = (folder / template).with_suffix(".css")
    fonts, _ = _fonts()
    return (CSS(string=path.read_text(), font_config=fonts, url_fetcher=FontFetcher()),) if path.exists() else ()


@functools.cache
def _environment(folder: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@functools.cache
def _fonts() -> tuple[FontConfiguration, CSS]:
    """Read once in a process: doing it for each document takes longer than the document."""
    configuration = FontConfiguration()
    faces = [
        f"@font-face {{ font-family: {family}; font-weight: {_WEIGHTS[weight]}; "
        f"src: url({_SCHEME}{family}-{weight}.ttf) }}"
        for family, weights in FAMILIES.items()
        for weight in weights
    ]
    everything = f"html {{ font-family: {', '.join(FAMILIES)}, sans-serif }}"
    styles = CSS(string="\n".join([*faces, everything]), font_config=configuration, url_fetcher=FontFetcher())
    return configuration, styles


@functools.cache
def _files() -> frozenset[str]:
    return frozenset(f"{family}-{weight}.ttf" for family, weights in FAMILIES.items() for weight in weights)
