"""The goods receipt note: its text, language and parts."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from app import pdf
from app.einvoices.pdf import print_job as einvoice_printing
from app.grn.models.papers import ReceiptPdf
from app.grn.papers import note, print_job
from app.kernel.http.app import Hub
from app.pdf import print_queue
from tests.factories import a_fabric_item
from tests.grn.helpers import json_body
from tests.grn.papers.helpers import INVOICES, create_receipt, extract_text, get_pdf, print_row


class TestContent:
    def test_the_note_shows_the_receipt(self, clerk: FlaskClient) -> None:
        blue = a_fabric_item(100.2, 110.6, invoiceQty=200, externalOrderIds="1000,1001", grnDate="2023-10-06")
        black = a_fabric_item(color="Kömür", uomLength="kilogram", grnQty=7, invoiceQty=8.5, supplierRollList=[])
        receipt = create_receipt(clerk, blue, black, a_fabric_item(50.25, invoiceQty=50.25), erpInvoiceNo="ERP-9")
        print_job.print_due()
        note_text = extract_text(get_pdf(clerk, receipt).data)
        for word in ("GOODS RECEIPT NOTE", "Bursa Mill", "ERP-9", "Cotton twill", "1000, 1001", "2023-10-06", "Kömür"):
            assert word in note_text
        assert "+10.8" in note_text
        assert "−1.5" in note_text
        assert "261.05 m" in note_text  # sum of both blue items
        assert "7 kg" in note_text
        assert "Total 210.8" in note_text
        assert "Page 1 / 1" in note_text

    def test_the_language_is_a_setting(self, app: Hub, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "DOCUMENT_LANGUAGE", "tr")
        receipt = create_receipt(clerk, a_fabric_item(1234.5))
        print_job.print_due()
        note_text = extract_text(get_pdf(clerk, receipt).data)
        assert "MAL KABUL FİŞİ" in note_text
        assert "1.234,5 m" in note_text

    @pytest.mark.slow
    def test_a_second_rendering_has_the_same_bytes(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(clerk)
        print_job.print_due()
        first = get_pdf(clerk, receipt).data
        assert json_body(clerk.post(f"{INVOICES}/{receipt['id']}/note.pdf"), 202)["state"] == "pending"
        print_job.print_due()
        assert get_pdf(clerk, receipt).data == first


class TestLongNote:
    @pytest.fixture(autouse=True)
    def _short_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(note, "ROLLS_PER_PART", 40)

    def test_parts_have_continuous_page_numbers(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(
            clerk, a_fabric_item(*[10.0] * 90, color="Blue"), a_fabric_item(*[10.0] * 15, color="Black")
        )
        print_job.print_due()
        reader = PdfReader(io.BytesIO(get_pdf(clerk, receipt).data))
        pages = [page.extract_text() for page in reader.pages]
        page_count = len(pages)
        assert page_count >= 4
        assert all(f"Page {number} / {page_count}" in page for number, page in enumerate(pages, start=1))
        assert all("Supplier roll" in page for page in pages[1:])
        whole = "\n".join(pages)
        rolls = [r["supplierRollNo"] for item in receipt["fabricItemList"] for r in item["supplierRollList"]]
        assert all(whole.split().count(number) == 1 for number in rolls)
        assert whole.count("continued") == 2
        assert "Total 900" in whole
        assert whole.count("Received by") == 1
        assert reader.metadata.title == f"GOODS RECEIPT NOTE {receipt['invoiceNo']}"

    def test_short_documents_are_rendered_between_the_parts(
        self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        receipt = create_receipt(clerk, a_fabric_item(*[10.0] * 90))
        order: list[str] = []
        real = print_queue.print_next

        def record_table(queue: print_queue.PrintQueue, *conditions: Any) -> bool:
            order.append(queue.rows.__tablename__)
            return real(queue, *conditions)

        monkeypatch.setattr(print_queue, "print_next", record_table)
        record_table(print_job.PRINT_QUEUE, ReceiptPdf.receipt_id == receipt["id"], ReceiptPdf.kind == "note")
        assert order == ["goods_receipt_pdfs", *["e_invoice_pdfs"] * 3]
        order.clear()
        einvoice_printing.print_due()
        assert order == ["e_invoice_pdfs"]

    def test_rendering_stops_when_the_receipt_changes(
        self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        receipt = create_receipt(clerk, a_fabric_item(*[10.0] * 90))
        clerk.post(f"{INVOICES}/{receipt['id']}/note.pdf")
        real, rendered = pdf.render, []

        def changed_meanwhile(*args: Any) -> bytes:
            rendered.append(args)
            if len(rendered) == 1:
                clerk.post(f"{INVOICES}/{receipt['id']}/note.pdf")
            return real(*args)

        monkeypatch.setattr(pdf, "render", changed_meanwhile)
        print_queue.print_next(print_job.PRINT_QUEUE, ReceiptPdf.receipt_id == receipt["id"], ReceiptPdf.kind == "note")
        assert len(rendered) == 1
        assert print_row(receipt).state == "pending"
