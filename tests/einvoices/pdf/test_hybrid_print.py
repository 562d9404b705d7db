"""Factur-X: one PDF/A-3b with the CII inside, the same bytes every time, and logos that PDF/A allows."""

from __future__ import annotations

import base64
import io
import re
from datetime import UTC, datetime

import pytest
from PIL import Image
from pypdf import PdfReader

from app.einvoices.models.sellers import SellerLogo
from app.einvoices.pdf.hybrid_print import archive_logo, print_factur_x
from app.formats.canonical import Format
from app.formats.document_reader import Source, read_document
from app.formats.writers.document_writer import write_document
from app.pdf.errors import PdfNotMade
from bench.bench_pdf import invoice_data
from tests.formats.hub_invoices import invoice

_MOMENT = datetime(2026, 2, 1, 12, tzinfo=UTC)
_CII = write_document(invoice(1, currency="EUR"), Format.CII)


def logo(mode: str, media_type: str) -> SellerLogo:
    stream = io.BytesIO()
    colour = {"CMYK": (10, 200, 200, 0), "RGBA": (200, 10, 10, 128), "RGB": (200, 10, 10)}[mode]
    Image.new(mode, (40, 20), colour).save(stream, media_type.removeprefix("image/").upper())
    return SellerLogo(sha256="0" * 64, media_type=media_type, content=stream.getvalue())


def printed(of: SellerLogo | None = None) -> bytes:
    shown = archive_logo(of) if of else None
    url = f"data:{shown.media_type};base64,{base64.b64encode(shown.content).decode()}" if shown else None
    return print_factur_x({**invoice_data(5), "logo": url}, _CII.content, _MOMENT)


def test_the_invoice_is_inside_as_an_alternative() -> None:
    content = printed()
    reader = PdfReader(io.BytesIO(content))
    assert read_document(Source(reader.attachments["factur-x.xml"][0])) == _CII.form
    catalog = reader.trailer["/Root"]
    (file,) = (each.get_object() for each in catalog["/AF"])
    assert (file["/UF"], file["/AFRelationship"]) == ("factur-x.xml", "/Alternative")
    dates = file["/EF"]["/F"].get_object()["/Params"]
    assert dates["/CreationDate"] == dates["/ModDate"] == "D:20260201120000Z"


def test_the_metadata_is_one_rdf_with_the_profile() -> None:
    catalog = PdfReader(io.BytesIO(printed())).trailer["/Root"]
    xmp = catalog["/Metadata"].get_object().get_data().decode()
    assert xmp.count("<rdf:RDF") == xmp.count("</rdf:RDF>") == 1
    assert 'pdfaid:part="3" pdfaid:conformance="B"' in xmp
    assert "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>" in xmp
    assert xmp.count("<pdfaProperty:name>") == 4
    assert catalog["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"


def test_the_same_input_gives_the_same_bytes() -> None:
    assert printed() == printed()


@pytest.mark.parametrize(("mode", "media_type"), [("RGBA", "image/png"), ("RGB", "image/jpeg"), ("CMYK", "image/jpeg")])
def test_a_logo_has_neither_interpolation_nor_colours_of_print(mode: str, media_type: str) -> None:
    content = printed(logo(mode, media_type))
    assert b"/Interpolate true" not in content
    assert b"/DeviceCMYK" not in content
    assert len(re.findall(rb"/ColorSpace /DeviceRGB", content)) >= 1


def test_a_logo_for_screens_stays_as_it_is() -> None:
    for each in (logo("RGBA", "image/png"), logo("RGB", "image/jpeg")):
        assert archive_logo(each) is each


def test_a_character_without_a_glyph_is_refused() -> None:
    with pytest.raises(PdfNotMade):
        print_factur_x({**invoice_data(1), "notes": "a\ue000"}, _CII.content, _MOMENT)
