"""Rendering: glyphs for every script, identical bytes in every process, no access to other URLs."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from pypdf import PdfReader

from app import pdf
from app.pdf import renderer

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
