"""Rendering: glyphs for every script, identical bytes in every process, no access to other URLs."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from pypdf import PdfReader

from app import pdf
from app.pdf import glyph_check, renderer
from app.pdf.errors import PdfNotMade

PAGE = '<html><head><meta name="dcterms.created" content="2026-02-01"></head><body>{{ text }}</body></html>'
SCRIPTS = {
    "Latin": "Quick brown fox",
    "Turkish": "İıĞğŞşÇçÖöÜü ₺",
    "Greek": "Καλημέρα",
    "Cyrillic": "Привіт Ёж",
    "Arabic": "السلام عليكم",
    "Devanagari": "नमस्ते ₹",
    "Hebrew": "שלום",
    "Thai": "สวัสดี",
    "Tamil": "வணக்கம்",
    "Malayalam": "നമസ്കാരം",
    "Armenian": "Բարեւ",
    "Georgian": "გამარჯობა",
}
#: Scripts whose fonts come from packages of the machine.
MACHINE_SCRIPTS = {
    "Bengali": ("বাংলা ক্ষ", "Noto-Sans-Bengali"),
    "Gujarati": ("ગુજરાતી", "Noto-Sans-Gujarati"),
    "Gurmukhi": ("ਪੰਜਾਬੀ", "Noto-Sans-Gurmukhi"),
    "Kannada": ("ಕನ್ನಡ", "Noto-Sans-Kannada"),
    "Telugu": ("తెలుగు", "Noto-Sans-Telugu"),
    "Sinhala": ("සිංහල", "Noto-Sans-Sinhala"),
    "Khmer": ("ខ្មែរ", "Noto-Sans-Khmer"),
    "Chinese": ("卷藏青色，繁體", "WenQuanYi|Noto-Sans-CJK"),
    "Japanese": ("日本語カタカナひらがな㈱", "WenQuanYi|Noto-Sans-CJK"),
    "Korean": ("한국어 원단", "WenQuanYi|Noto-Sans-CJK"),
    "units": ("㎡㎏㎝", "WenQuanYi|Noto-Sans-CJK"),
    "emoji": ("😀🧵🫶👩‍🔬🇹🇷❤️", "Emoji"),
    "symbols": ("①Ⅷ→✓★⚠▲●■☎≤≈½№℃", "Noto-Sans|DejaVu"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_text(PAGE)
    return tmp_path


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_every_script_uses_the_fonts_of_the_package(folder: Path, text: str) -> None:
    reader = PdfReader(io.BytesIO(pdf.render(folder, "page.html", {"text": text})))
    fonts = [font.get_object()["/BaseFont"] for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert fonts
    assert all("Noto" in str(font) for font in fonts)


@pytest.mark.parametrize(("text", "font"), MACHINE_SCRIPTS.values(), ids=MACHINE_SCRIPTS)
def test_other_scripts_use_the_fonts_of_the_machine(folder: Path, text: str, font: str) -> None:
    reader = PdfReader(io.BytesIO(pdf.render(folder, "page.html", {"text": f"{text} {text}"})))
    fonts = [str(font.get_object()["/BaseFont"]) for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert any(re.search(font, name) for name in fonts), fonts
    assert not any("Serif" in name for name in fonts), fonts


def test_characters_without_a_font_are_named(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(PdfNotMade, match=r"these characters: \(U\+0378\), \(U\+E000\)\.") as refusal:
        pdf.render(folder, "page.html", {"text": "a\ue000b\u0378c\ue000"})
    assert ".notdef" not in caplog.text
    many = "".join(map(chr, range(0xE000, 0xE020)))
    with pytest.raises(PdfNotMade, match=r"\(U\+E009\) and 22 more\."):
        pdf.render(folder, "page.html", {"text": many})
    assert refusal.value.characters == {"\ue000", "\u0378"}
    assert glyph_check.describe("卷") == "卷 (U+5377 CJK UNIFIED IDEOGRAPH-5377)"


def test_a_warning_of_another_thread_is_left_alone() -> None:
    other = threading.Thread(target=renderer.find_missing, args=("\ue000",))
    with glyph_check.collect_missing_glyphs() as found:
        other.start()
        other.join()
    assert found == set()


def test_invisible_characters_are_no_missing_glyphs(folder: Path) -> None:
    text = "a\x01b\x07c\x7fd\x9fe\u200bf\ufeffg\u00adh\u2060i\ufe0fj\u202ek\u202cl\U000e0041m"
    content = pdf.render(folder, "page.html", {"text": text})
    assert "abcd" in PdfReader(io.BytesIO(content)).pages[0].extract_text()


def test_all_line_ends_are_line_ends(folder: Path) -> None:
    (folder / "page.css").write_text("body { white-space: pre-line }")
    content = pdf.render(folder, "page.html", {"text": "a\x85b\u2028c\u2029d\x0be\x0cf"})
    assert PdfReader(io.BytesIO(content)).pages[0].extract_text().split() == list("abcdef")


@pytest.mark.slow
def test_a_latin_document_does_not_depend_on_the_fonts_of_the_machine(folder: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from app import pdf;"
        "sys.stdout.buffer.write(pdf.render(Path(sys.argv[1]), 'page.html', {'text': 'Ağ İıŞ نمونه नमस्ते ₺'}))"
    )
    few_fonts = (
        "<fontconfig><include>/etc/fonts/conf.d</include><dir>/usr/share/fonts/truetype/dejavu</dir>"
        f"<cachedir>{tmp_path}</cachedir></fontconfig>"
    )
    (tmp_path / "fonts.conf").write_text(f'<?xml version="1.0"?>{few_fonts}')
    results = {
        subprocess.run([sys.executable, "-c", program, str(folder)], env=env, check=True, capture_output=True).stdout
        for env in (dict(os.environ), {**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")})
    }
    assert len(results) == 1


@pytest.mark.slow
def test_another_process_renders_the_same_bytes(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from app import pdf;"
        "sys.stdout.buffer.write(pdf.render(Path(sys.argv[1]), 'page.html', {'text': 'Ağ नमस्ते'}))"
    )
    others = [
        subprocess.run([sys.executable, "-c", program, str(folder)], check=True, capture_output=True).stdout
        for _ in range(2)
    ]
    assert others[0] == others[1] == pdf.render(folder, "page.html", {"text": "Ağ नमस्ते"})


def test_values_are_escaped(folder: Path) -> None:
    content = pdf.render(folder, "page.html", {"text": "<h1>no</h1>"})
    assert "<h1>no</h1>" in PdfReader(io.BytesIO(content)).pages[0].extract_text()


def test_a_missing_value_is_an_error(folder: Path) -> None:
    with pytest.raises(UndefinedError):
        pdf.render(folder, "page.html", {})


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://127.0.0.1:1/x.png", "font:../../etc/passwd", "font:README.md", "ftp://x/y"],
)
def test_other_urls_are_not_opened(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match=r"no font|disallowed protocol"):
        renderer.FontFetcher().fetch(url)
    with caplog.at_level(logging.ERROR, logger="weasyprint"):
        content = renderer.html_to_pdf(f'<link rel=attachment href="{url}"><img src="{url}">x')
    assert not PdfReader(io.BytesIO(content)).attachments
    assert "Failed to load" in caplog.text
