"""Karekod on the print of an e-invoice of Türkiye: what a scanner reads, where it stands, and when there is none."""

from __future__ import annotations

import io
import json
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import update

from app.einvoices.documents import legal_documents
from app.einvoices.models.documents import EinvoiceCanonicalForm
from app.einvoices.pdf import print_job
from app.extensions import db
from app.formats.legal_format import LegalFormat
from tests.einvoices.documents.test_legal_documents import an_issued, fetch
from tests.einvoices.helpers import URL, create_issued, fetch_pdf, pdf_text, perform

#: Dots per inch of a photo of a phone that holds the whole page.
PHOTO = 120


@pytest.fixture
def turkish(owner: FlaskClient) -> FlaskClient:
    """Seller whose numbers have the form of GİB."""
    assert owner.patch(f"{URL}/seller", json={"prefix": "EAA", "country": "TR"}).status_code == 200
    return owner


def printed(owner: FlaskClient, sale: dict[str, Any]) -> bytes:
    print_job.print_due()
    content: bytes = fetch_pdf(owner, sale["id"]).data
    return content


def scan(content: bytes) -> list[Any]:
    image = pypdfium2.PdfDocument(content)[0].render(scale=PHOTO / 72).to_pil()
    return list(zxingcpp.read_barcodes(image))


def test_code_says_what_the_legal_document_says(turkish: FlaskClient) -> None:
    sale = an_issued(turkish)
    content = printed(turkish, sale)
    [code] = scan(content)
    facts = json.loads(code.text)
    assert list(facts) == [
        *("vkntckn", "avkntckn", "senaryo", "tip", "tarih", "no", "ettn", "parabirimi", "malhizmettoplam"),
        *("kdvmatrah(20)", "hesaplanankdv(20)", "vergidahil", "odenecek"),
    ]
    detail = turkish.get(f"{URL}/{sale['id']}").json
    assert facts["no"] == detail["official_no"] != detail["invoice_no"]
    assert (facts["vkntckn"], facts["senaryo"], facts["tip"]) == ("4540536920", "EARSIVFATURA", "SATIS")
    assert (facts["malhizmettoplam"], facts["odenecek"]) == ("100.05", "120.06")
    assert facts["ettn"] == detail["uuid"]
    assert facts["ettn"].encode() in fetch(turkish, sale, "ubl-tr").data
    text = pdf_text(content)
    for words in (f"ETTN: {facts['ettn']}", "Senaryo EARSIVFATURA", "Fatura tipi SATIS"):
        assert words in text


def test_code_stands_in_the_upper_right_corner_and_is_large_enough(turkish: FlaskClient) -> None:
    [code] = scan(printed(turkish, an_issued(turkish)))
    corners = code.position
    per_mm = PHOTO / 25.4
    assert corners.top_right.x / per_mm == pytest.approx(196, abs=1)
    assert corners.top_left.y / per_mm == pytest.approx(14, abs=1)
    assert (corners.top_right.x - corners.top_left.x) / per_mm >= 26


def test_longest_code_is_read(turkish: FlaskClient) -> None:
    """Ten rates of VAT, and amounts of fifteen digits."""
    items = [{"name": "x", "quantity": 1, "unit_price": "9876543210.99", "vat_rate": f"{n}.5"} for n in range(1, 11)]
    content = printed(turkish, an_issued(turkish, items=items))
    [code] = scan(content)
    assert len(code.text.encode()) > 900
    assert json.loads(code.text)["hesaplanankdv(10.5)"]


def test_a_return_has_the_code_of_a_return(turkish: FlaskClient) -> None:
    back = perform(turkish, an_issued(turkish)["id"], "returns", {"reason": "Torn"})
    perform(turkish, back["id"], "issue")
    [code] = scan(printed(turkish, back))
    assert json.loads(code.text)["tip"] == "IADE"


@pytest.mark.parametrize("change", [{"country": "DE"}, {"prefix": "EA"}, {"postal_address": None}])
def test_others_have_the_code_of_the_hub(turkish: FlaskClient, change: dict[str, Any]) -> None:
    """Not of Türkiye; a number of another form; an address that UBL-TR does not take."""
    buyer = turkish.get(f"{URL}/{an_issued(turkish)['id']}").json["buyer"]
    known = {name: buyer[name] for name in ("name", "tax_id", "postal_address", "is_business", "address")}
    assert turkish.patch(f"{URL}/seller", json=change).status_code == 200
    sale = create_issued(turkish, buyer=known, currency="TRY")
    [code] = scan(printed(turkish, sale))
    assert json.loads(code.text)["no"] == sale["invoice_no"]


def test_an_einvoice_of_an_earlier_release_keeps_its_code(turkish: FlaskClient) -> None:
    sale = an_issued(turkish)
    with db.engine.begin() as connection:
        connection.execute(update(EinvoiceCanonicalForm).values(is_late=True))
    [code] = scan(printed(turkish, sale))
    assert json.loads(code.text)["no"] == sale["invoice_no"]


def test_the_hybrid_file_has_the_code_and_stays_an_archive(turkish: FlaskClient) -> None:
    sale = an_issued(turkish)
    legal_documents.write(sale["id"], LegalFormat.FACTUR_X)
    content = fetch(turkish, sale, "factur-x").data
    [code] = scan(content)
    assert json.loads(code.text)["tip"] == "SATIS"
    assert b"/Interpolate true" not in content
    [image] = PdfReader(io.BytesIO(content)).pages[0].images
    stored = image.indirect_reference.get_object()
    assert (stored["/ColorSpace"], "/SMask" in stored) == ("/DeviceRGB", False)
