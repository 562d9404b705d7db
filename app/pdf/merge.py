"""Merging: a long document is rendered in parts to limit memory; the parts become one PDF with page numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject

from app.pdf import renderer

_TEMPLATES = Path(__file__).parent / "templates"
_STAMP = NameObject("/PageNumber")


def merge_parts(parts: Sequence[bytes], numbered: str | None) -> bytes:
    """Merge the parts to one PDF with the title and the dates of the first part.

    ``numbered`` is the word before the page numbers, as in ``Page 2 / 7``. They are written here, into the lower right
    margin, because the number of pages is known only now; None adds no numbers.
    """
    writer = PdfWriter(clone_from=io.BytesIO(parts[0]))
    for part in parts[1:]:
        writer.append(io.BytesIO(part), import_outline=False)
    if numbered:
        page_count = len(writer.pages)
        numbers = renderer.render(_TEMPLATES, "numbers.html", {"word": numbered, "pages": page_count})
        for page, number in zip(writer.pages, PdfReader(io.BytesIO(numbers)).pages, strict=True):
            _stamp(writer, page, number)
    whole = io.BytesIO()
    writer.write(whole)
    return whole.getvalue()


def _stamp(writer: PdfWriter, page: PageObject, number: PageObject) -> None:
    """Draw one page onto another as a form XObject, so that no names of the two pages can collide."""
    drawing = DecodedStreamObject()
    contents = number.get_contents()
    drawing.set_data(contents.get_data() if contents is not None else b"")
    drawing.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): number.mediabox,
            NameObject("/Resources"): number["/Resources"].clone(writer),
        }
    )
    resources = page.setdefault(NameObject("/Resources"), DictionaryObject()).get_object()
    xobjects = resources.setdefault(NameObject("/XObject"), DictionaryObject()).get_object()
    # WeasyPrint shares one resource dictionary among all pages; each page needs its own for its number.
    own = DictionaryObject({**xobjects, _STAMP: writer._add_object(drawing.flate_encode())})
    page[NameObject("/Resources")] = DictionaryObject({**resources, NameObject("/XObject"): own})
    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q\n")
    after.set_data(b"\nQ q /PageNumber Do Q")
    existing = page[NameObject("/Contents")].get_object()
    streams = existing if isinstance(existing, ArrayObject) else [page.raw_get("/Contents")]
    page[NameObject("/Contents")] = ArrayObject([writer._add_object(before), *streams, writer._add_object(after)])
