"""Long documents are rendered in parts, so that memory stays flat; here the parts become one PDF again."""

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
    """The parts as one PDF, whose title and dates are the first one's.

    ``numbered`` is the word before the numbers, as in ``Page 2 / 7``; they are written into the lower right margin,
    for only now it is known how many pages there are.
    """
    writer = PdfWriter(clone_from=io.BytesIO(parts[0]))
    for part in parts[1:]:
        writer.append(io.BytesIO(part), import_outline=False)
    if numbered:
        many = len(writer.pages)
        numbers = renderer.render(_TEMPLATES, "numbers.html", {"word": numbered, "pages": many})
        for page, number in zip(writer.pages, PdfReader(io.BytesIO(numbers)).pages, strict=True):
            _stamp(writer, page, number)
    whole = io.BytesIO()
    writer.write(whole)
    return whole.getvalue()


def _stamp(writer: PdfWriter, page: PageObject, number: PageObject) -> None:
    """Draw one page on another as an object of its own: nothing of either has to be read or renamed."""
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
    drawn = resources.setdefault(NameObject("/XObject"), DictionaryObject()).get_object()
    # WeasyPrint shares one dictionary among the pages of a document: each page gets its own number in its own.
    own = DictionaryObject({**drawn, _STAMP: writer._add_object(drawing.flate_encode())})
    page[NameObject("/Resources")] = DictionaryObject({**resources, NameObject("/XObject"): own})
    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q\n")
    after.set_data(b"\nQ q /PageNumber Do Q")
    held = page[NameObject("/Contents")].get_object()
    streams = held if isinstance(held, ArrayObject) else [page.raw_get("/Contents")]
    page[NameObject("/Contents")] = ArrayObject([writer._add_object(before), *streams, writer._add_object(after)])
