"""The readers: the same document in each format, hybrid PDFs, and the canonical bytes."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from pypdf import PdfWriter

from app.formats.canonical import Format, Invoice
from app.formats.canonical_json import canonical_bytes, sha256
from app.formats.document_reader import Source, open_source, read_document
from app.formats.errors import UnreadableDocument
from app.formats.hybrid_pdf import embedded_invoice
from tests.formats.lawful import WRITERS, Document, Row, cii, hybrid, inv01, ubl, ubl_tr


def document() -> Document:
    lines = [
        Row(Decimal(3), Decimal("33.35"), Decimal("0.10"), Decimal(18)),
        Row(Decimal(1), Decimal("12.25"), Decimal(0), Decimal(10)),
    ]
    return Document(lines)


def read(content: bytes) -> Invoice:
    return read_document(open_source(content))


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_says_the_same(name: str) -> None:
    doc = document()
    invoice = read(WRITERS[name](doc))
    assert invoice.format == name
    assert [(line.quantity, line.net) for line in invoice.lines] == [(row.quantity, row.net) for row in doc.rows]
    assert invoice.lines[0].unit == "MTR"
    assert invoice.totals.lines == doc.lines
    assert invoice.totals.payable == doc.inclusive
    assert invoice.faults == ()


def test_ubl_tr_is_told_from_ubl() -> None:
    invoice = read(ubl_tr(document()))
    assert (invoice.process, invoice.type) == ("TEMELFATURA", "SATIS")
    assert [(each.scheme, each.value) for each in invoice.seller.tax_ids] == [("VKN", "1288331521")]
    assert [(row.type, row.rate, row.amount) for row in invoice.taxes[0].rows] == [
        ("0015", Decimal(18), Decimal("17.99")),
        ("0015", Decimal(10), Decimal("1.23")),
    ]


def test_inv_01_has_taxes_per_item() -> None:
    invoice = read(inv01(document()))
    assert (invoice.currency, invoice.issue_date) == ("INR", "2026-11-30")
    assert invoice.seller.tax_ids[0].scheme == "GSTIN"
    halves = {row.type: row.amount for row in invoice.lines[0].taxes[0].rows}
    assert halves["CGST"] == halves["SGST"] == Decimal("9.0")


class TestHybridPdf:
    @pytest.mark.parametrize("name", ["factur-x.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml", "other.XML"])
    def test_the_xml_is_found(self, name: str) -> None:
        source = open_source(hybrid(cii(document()), name))
        assert source.is_from_pdf
        assert read_document(source).format is Format.CII

    def test_a_pdf_without_an_invoice_is_refused(self) -> None:
        with pytest.raises(UnreadableDocument, match="no embedded XML"):
            open_source(hybrid(b"picture", "logo.png"))

    @pytest.mark.parametrize("content", [b"%PDF-1.7\n", b"%PDF-1.7\nstartxref 9 %%EOF"])
    def test_a_broken_pdf_is_refused(self, content: bytes) -> None:
        with pytest.raises(UnreadableDocument, match="PDF"):
            open_source(content)


class TestZugferd1:
    def test_old_names_are_read(self) -> None:
        """ZUGFeRD 1.0 named the elements otherwise, and wrote the sign of allowances."""
        content = cii(document()).decode()
        for new, old in (
            ("rsm:CrossIndustryInvoice", "rsm:CrossIndustryDocument"),
            (
                "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
                "urn:ferd:CrossIndustryDocument:invoice:1p0",
            ),
            ("ExchangedDocument>", "HeaderExchangedDocument>"),
            ("rsm:SupplyChainTradeTransaction", "rsm:SpecifiedSupplyChainTradeTransaction"),
            ("ApplicableHeaderTradeSettlement", "ApplicableSupplyChainTradeSettlement"),
            ("SettlementHeaderMonetarySummation", "SettlementMonetarySummation"),
            ("SettlementLineMonetarySummation", "SettlementMonetarySummation"),
            ("SpecifiedLineTrade", "SpecifiedSupplyChainTrade"),
            ("RateApplicablePercent", "ApplicablePercent"),
            ("ActualAmount>0.10", "ActualAmount>-0.10"),
        ):
            content = content.replace(new, old)
        assert canonical_bytes(read(content.encode())) == canonical_bytes(read(cii(document())))


class TestCanonicalBytes:
    def test_they_do_not_change(self) -> None:
        """Signed and stored invoices rest on these bytes."""
        assert sha256(read(ubl(document()))) == "79933c086cb04afe7613a3b70f327f08dbf9f8e63a5014a22dd4aa389acdbc2b"

    def test_zeros_and_missing_values_make_no_difference(self) -> None:
        content = ubl(document())
        longer = content.replace(b">12.25<", b">12.2500<").replace(b"<cac:Price>", b"<cbc:Note> </cbc:Note><cac:Price>")
        assert longer != content
        assert canonical_bytes(read(longer)) == canonical_bytes(read(content))

    def test_decimals_are_exact_texts(self) -> None:
        assert b'"net":"99.95"' in canonical_bytes(read(ubl(document())))


class TestWhatIsNoInvoice:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"\xef\xbb\xbf  ", "no well-formed XML"),
            (b"hello", "no well-formed XML"),
            (b"<a/>", "no invoice or credit note"),
            (b'<Invoice xmlns="urn:other"/>', "no invoice or credit note"),
            (b"{}", "no invoice of the schema INV-01"),
            (b'{"ItemList": 1}', "no invoice of the schema INV-01"),
            (b"[1]", "no invoice of the schema INV-01"),
            (b'{"ItemList": [}', "no valid JSON"),
            (b'{"ItemList": [NaN]}', "no valid JSON"),
            (b'<?xml version="1.0" encoding="klingon"?><a/>', "encoding"),
        ],
    )
    def test_it_is_refused_in_clear_words(self, content: bytes, words: str) -> None:
        with pytest.raises(UnreadableDocument, match=words):
            read_document(open_source(content))

    def test_values_of_other_types_are_faults(self) -> None:
        content = b'{"ItemList": [{"Qty": "3", "UnitPrice": 1e400, "AssAmt": [1]}, 7], "ValDtls": {"TotInvVal": true}}'
        faults = {each.path for each in read(content).faults}
        assert faults == {"ItemList/1/Qty", "ItemList/1/UnitPrice", "ItemList/1/AssAmt", "ValDtls/TotInvVal"}


def test_other_encodings_are_read() -> None:
    text = ubl(document()).decode().replace("Fabric", "Kumaş ığ")
    plain = canonical_bytes(read(text.encode()))
    for encoding in ("iso-8859-9", "windows-1254", "utf-16"):
        content = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding)
        assert canonical_bytes(read_document(Source(content))) == plain


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
class TestEncryptedPdf:
    @staticmethod
    def encrypted(algorithm: str, password: str) -> bytes:
        writer, stream = PdfWriter(clone_from=io.BytesIO(hybrid(cii(document())))), io.BytesIO()
        writer.encrypt(password, "only the owner may change it", algorithm=algorithm)
        writer.write(stream)
        return stream.getvalue()

    def test_a_pdf_without_a_password_for_readers_is_read(self, algorithm: str) -> None:
        assert open_source(self.encrypted(algorithm, "")) == Source(cii(document()), is_from_pdf=True)

    def test_a_pdf_with_a_password_is_refused(self, algorithm: str) -> None:
        with pytest.raises(UnreadableDocument, match="has a password"):
            embedded_invoice(self.encrypted(algorithm, "secret"))
