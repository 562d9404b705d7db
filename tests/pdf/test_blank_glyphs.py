"""Glyphs without an outline: a character that would print as a blank fails the document."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import ImageOps

from app.pdf.blank_glyphs import find_blank_characters
from app.pdf.glyph_check import UnprintableCharacters
from app.pdf.renderer import find_missing, html_to_pdf

#: A font in which only A has an outline.
_NAMES = {"A": "A", "B": "B", " ": "space", "\u3164": "filler", "\u0301": "accent"}


def a_font() -> bytes:
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, 500))
    pen.lineTo((500, 500))
    pen.closePath()
    names = [".notdef", *_NAMES.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(sign): name for sign, name in _NAMES.items()})
    builder.setupGlyf({name: pen.glyph() if name == "A" else TTGlyphPen(None).glyph() for name in names})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({})
    builder.setupOS2()
    builder.setupPost()
    out = io.BytesIO()
    builder.save(out)
    return out.getvalue()


def test_only_visible_characters_without_an_outline_are_blank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.pdf.blank_glyphs.get_hb_object_data", lambda face: face)

    class Drawn:
        bitmap = png = svg = colr = False
        name, index, hb_face = b"/ABC+Test", 0, a_font()
        to_unicode = dict(enumerate(["A", "B", " ", "\u3164", "\u0301", "AB"]))

    assert find_blank_characters([Drawn()]) == {"B"}
    Drawn.to_unicode = {1: "B\ufe00"}
    assert find_blank_characters([Drawn()]) == {"B"}
    Drawn.to_unicode = {1: "A", 2: "BA"}
    assert find_blank_characters([Drawn()]) == set()


@pytest.mark.parametrize("character", ["ゞ", "ゝ", "ゕ"])
def test_a_character_of_the_machines_fonts_never_prints_as_a_blank(character: str) -> None:
    """The default font for Japanese has empty glyphs for these; another font may have the real ones."""
    try:
        content = html_to_pdf(f"<style>@page {{ size: 100px; margin: 0 }}</style>{character}")
    except UnprintableCharacters as error:
        refused: frozenset[str] = error.characters
        shown = None
    else:
        refused = frozenset()
        shown = ImageOps.invert(pypdfium2.PdfDocument(content)[0].render().to_pil().convert("L")).getbbox()
    assert refused == {character} or shown


TEXTS = (
    "a\u00a0b\u2003c\u3000d", "\u3164\u2800", "لا إِنَّ ﷺ", "தமிழ் கொ ஸ்ரீ", "മലയാളം ന്റെ", "हिन्दी क्ष त्र", "שָׁלוֹם",
    "ﬁ ½ e\u0301\u0323",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_ligatures_marks_and_spaces_are_no_blanks(text: str) -> None:
    assert find_missing(text) == frozenset()
