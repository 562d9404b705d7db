"""``render_archive()``: a PDF/A-3b with an embedded file, as Factur-X wants it.

The embedded file is an alternative of the document (``AFRelationship``). Its description for readers of XMP is in the
one ``rdf:RDF`` of the PDF: veraPDF refuses a second one.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pydyf
from weasyprint import CSS, Attachment

from app.kernel.system.collector_pause import collector_paused
from app.pdf.renderer import FontFetcher, drawn_pages, styles, to_html

_VARIANT = "pdf/a-3b"
_END_OF_RDF = b"</rdf:RDF>"
#: PDF/A has no interpolation of images, which WeasyPrint asks for unless the pixels are to be seen.
_EXACT_IMAGES = "img { image-rendering: pixelated }"


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file inside the PDF: its name, the moment of the document, and its description in XMP."""

    name: str
    content: bytes
    moment: datetime
    #: Elements ``rdf:Description`` for the metadata of the PDF.
    xmp: bytes
    description: str


def render_archive(folder: Path, template: str, data: Mapping[str, Any], file: EmbeddedFile) -> bytes:
    """A PDF/A-3b of a template with a file inside. The same input gives the same bytes.

    Raises:
        UnprintableCharacters: no font has some of the characters.
    """
    with collector_paused():
        return _draw(to_html(folder, template, data), styles(folder, template), file)


def _draw(html: str, style: tuple[CSS, ...], file: EmbeddedFile) -> bytes:
    with drawn_pages(html, *style, _exact_images()) as (document, finish):
        document.metadata.attachments = [_attachment(file)]
        _add_to_rdf(document.metadata, file.xmp)

        def finisher(drawn: Any, pdf: pydyf.PDF) -> None:
            finish(drawn, pdf)
            pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))

        content: bytes = document.write_pdf(pdf_variant=_VARIANT, finisher=finisher)
    return content


@functools.cache
def _exact_images() -> CSS:
    return CSS(string=_EXACT_IMAGES, url_fetcher=FontFetcher())


def _attachment(file: EmbeddedFile) -> Attachment:
    return Attachment(
        string=file.content,
        name=file.name,
        description=file.description,
        relationship="Alternative",
        created=file.moment,
        modified=file.moment,
    )


def _add_to_rdf(metadata: Any, xmp: bytes) -> None:
    """Let the metadata write ``xmp`` before the end of its RDF."""
    generate = metadata.generate_rdf_metadata

    def generate_with_file(*arguments: Any) -> bytes:
        rdf: bytes = generate(*arguments)
        return rdf.removesuffix(_END_OF_RDF) + xmp + _END_OF_RDF

    metadata.generate_rdf_metadata = generate_with_file
