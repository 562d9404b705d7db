"""Papers of goods receipts: made of what the receipt says now, read by eyes and by scanners, and gone with it."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from app import pdf
from app.einvoices.pdf import print_job as einvoice_printing
from app.extensions import db
from app.grn.models.papers import ReceiptPdf
from app.grn.papers import note, print_job, roll_labels
from app.grn.papers import service as papers
from app.kernel import clock
from app.kernel.http.app import Hub
from app.pdf import print_queue as press
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.reading import refused, said

INVOICES = "/api/invoices"


@pytest.fixture(autouse=True)
def _own_storage(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ids begin anew with each test, and so do the files."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)


def booked(clerk: FlaskClient, *items: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return said(clerk.post(INVOICES, json=a_receipt(*items, **facts)), 201)


def fetched(clerk: FlaskClient, receipt: dict[str, Any], kind: str = "note", **headers: str) -> Any:
    return clerk.get(f"{INVOICES}/{receipt['id']}/{kind}.pdf", headers=headers, buffered=True)


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def row(receipt: dict[str, Any], kind: str = "note") -> Any:
    table = ReceiptPdf.__table__
    with db.engine.connect() as connection:
        query = select(table).where(table.c.receipt_id == receipt["id"], table.c.kind == kind)
        return connection.execute(query).one_or_none()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.pdf"))


def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + papers.CHANGE_DELAY + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)


class TestTheNote:
    def test_is_there_soon_after_the_booking(self, clerk: FlaskClient) -> None:
        receipt = booked(clerk, invoiceNo="INV-7")
        before = fetched(clerk, receipt)
        assert refused(before, 404, 40400)["state"] == "pending"
        assert before.headers["Retry-After"] == "2"
        assert not print_job.print_due()
        answer = fetched(clerk, receipt)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.headers["Content-Disposition"] == f"inline; filename=note-{receipt['id']}-INV-7.pdf"
        digest = hashlib.sha256(answer.data).hexdigest()
        assert answer.headers["ETag"] == f'"{digest}"'
        assert fetched(clerk, receipt, **{"If-None-Match": f'"{digest}"'}).status_code == 304
        assert fetched(clerk, receipt, Range="bytes=0-7").status_code == 206
        shown = {paper["kind"]: paper for paper in said(clerk.get(f"{INVOICES}/{receipt['id']}/papers"))}
        assert (shown["note"]["state"], shown["note"]["sha256"]) == ("done", digest)
        assert clerk.get(shown["labels"]["url"], buffered=True).status_code == 200

    def test_says_what_was_booked_in(self, clerk: FlaskClient) -> None:
        blue = a_fabric_item(100.2, 110.6, invoiceQty=200, externalOrderIds="1000,1001", grnDate="2023-10-06")
        black = a_fabric_item(color="Kömür", uomLength="kilogram", grnQty=7, invoiceQty=8.5, supplierRollList=[])
        receipt = booked(clerk, blue, black, a_fabric_item(50.25, invoiceQty=50.25), erpInvoiceNo="ERP-9")
        print_job.print_due()
        said_by_it = text_of(fetched(clerk, receipt).data)
        for word in ("GOODS RECEIPT NOTE", "Bursa Mill", "ERP-9", "Cotton twill", "1000, 1001", "2023-10-06", "Kömür"):
            assert word in said_by_it
        assert "+10.8" in said_by_it
        assert "−1.5" in said_by_it
        assert "261.05 m" in said_by_it  # both blue items
        assert "7 kg" in said_by_it
        assert "Total 210.8" in said_by_it
        assert "Page 1 / 1" in said_by_it

    def test_speaks_turkish_where_the_installation_does(
        self, app: Hub, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "DOCUMENT_LANGUAGE", "tr")
        receipt = booked(clerk, a_fabric_item(1234.5))
        print_job.print_due()
        said_by_it = text_of(fetched(clerk, receipt).data)
        assert "MAL KABUL FİŞİ" in said_by_it
        assert "1.234,5 m" in said_by_it

    def test_is_never_sent_outdated(self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        receipt = booked(clerk)
        print_job.print_due()
        first = fetched(clerk, receipt).data
        [item] = receipt["fabricItemList"]
        roll = f"{INVOICES}/{receipt['id']}/fabric-items/{item['id']}/rolls/{item['supplierRollList'][0]['id']}"
        said(clerk.patch(roll, json={"length": 99.5, "shade": "Q"}))
        assert row(receipt).due_at > clock.now()  # more rolls may follow
        refused(fetched(clerk, receipt), 404, 40400)
        assert row(receipt).due_at == papers.FRONT_OF_QUEUE  # somebody waits
        print_job.print_due()
        second = fetched(clerk, receipt).data
        assert "99.5" in text_of(second)
        assert second != first
        refused(fetched(clerk, receipt, "labels"), 404, 40400)
        settled(monkeypatch)
        print_job.print_due()
        assert len(files(tmp_path)) == 2 + 2  # the demo's receipt has its papers too

    def test_many_changes_are_one_printing(self, clerk: FlaskClient) -> None:
        receipt = booked(clerk)
        print_job.print_due()
        said(clerk.put(f"{INVOICES}/{receipt['id']}", json={**a_receipt(), "externalId": receipt["externalId"]}))
        due = row(receipt).due_at
        said(clerk.put(f"{INVOICES}/{receipt['id']}", json={**a_receipt(), "externalId": receipt["externalId"]}))
        assert row(receipt).due_at == due

    def test_made_again_it_is_the_same_bytes(self, clerk: FlaskClient) -> None:
        receipt = booked(clerk)
        print_job.print_due()
        first = fetched(clerk, receipt).data
        assert said(clerk.post(f"{INVOICES}/{receipt['id']}/note.pdf"), 202)["state"] == "pending"
        print_job.print_due()
        assert fetched(clerk, receipt).data == first

    def test_a_failure_is_visible_and_tried_again(self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        receipt = booked(clerk)
        with monkeypatch.context() as broken:
            broken.setattr(pdf, "render", lambda *_: 1 / 0)
            for _ in range(6):
                moment = clock.now() + timedelta(hours=2)
                broken.setattr(clock, "now", lambda moment=moment: moment)
                print_job.print_due()
        refusal = refused(fetched(clerk, receipt), 404, 40400)
        assert (refusal["state"], refusal["reason"]) == ("failed", "ZeroDivisionError: division by zero")
        clerk.post(f"{INVOICES}/{receipt['id']}/note.pdf")
        print_job.print_due()
        assert fetched(clerk, receipt).status_code == 200

    def test_a_file_that_is_gone_is_made_again(self, clerk: FlaskClient, tmp_path: Path) -> None:
        receipt = booked(clerk)
        print_job.print_due()
        (tmp_path / row(receipt).path).unlink()
        refused(fetched(clerk, receipt), 404, 40400)
        print_job.print_due()
        assert fetched(clerk, receipt).status_code == 200


class TestNewNames:
    @pytest.mark.parametrize("path", ["suppliers/1", "fabrics/1"])
    def test_papers_show_them_once_they_are_asked_for(self, clerk: FlaskClient, tmp_path: Path, path: str) -> None:
        receipt = booked(clerk)
        print_job.print_due()
        master = said(clerk.get(f"/api/{path}"))
        said(clerk.put(f"/api/{path}", json={**master, "name": "Renamed"}))
        assert not files(tmp_path)
        refused(fetched(clerk, receipt), 404, 40400)
        print_job.print_due()
        assert "Renamed" in text_of(fetched(clerk, receipt).data)

    def test_what_no_paper_shows_changes_none(self, clerk: FlaskClient) -> None:
        receipt = booked(clerk)
        print_job.print_due()
        said(clerk.put("/api/suppliers/1", json={**said(clerk.get("/api/suppliers/1")), "metadata": {"a": 1}}))
        assert fetched(clerk, receipt).status_code == 200


class TestALongNote:
    @pytest.fixture(autouse=True)
    def _short_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(note, "ROLLS_PER_PART", 40)

    def test_is_rendered_in_parts_and_counted_as_one(self, clerk: FlaskClient) -> None:
        receipt = booked(clerk, a_fabric_item(*[10.0] * 90, color="Blue"), a_fabric_item(*[10.0] * 15, color="Black"))
        print_job.print_due()
        reader = PdfReader(io.BytesIO(fetched(clerk, receipt).data))
        pages = [page.extract_text() for page in reader.pages]
        many = len(pages)
        assert many >= 4
        assert all(f"Page {number} / {many}" in page for number, page in enumerate(pages, start=1))
        assert all("Supplier roll" in page for page in pages[1:])
        whole = "\n".join(pages)
        rolls = [r["supplierRollNo"] for item in receipt["fabricItemList"] for r in item["supplierRollList"]]
        assert all(whole.split().count(number) == 1 for number in rolls)
        assert whole.count("continued") == 2
        assert "Total 900" in whole
        assert whole.count("Received by") == 1
        assert reader.metadata.title == f"GOODS RECEIPT NOTE {receipt['invoiceNo']}"

    def test_lets_short_documents_through(self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        receipt = booked(clerk, a_fabric_item(*[10.0] * 90))
        order: list[str] = []
        real = press.print_next

        def told(printed: press.PrintQueue, *conditions: Any) -> bool:
            order.append(printed.rows.__tablename__)
            return real(printed, *conditions)

        monkeypatch.setattr(press, "print_next", told)
        told(print_job.PRINT_QUEUE, ReceiptPdf.receipt_id == receipt["id"], ReceiptPdf.kind == "note")
        assert order == ["goods_receipt_pdfs", *["e_invoice_pdfs"] * 3]
        order.clear()
        einvoice_printing.print_due()
        assert order == ["e_invoice_pdfs"]

    def test_is_given_up_when_the_receipt_changes_meanwhile(
        self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        receipt = booked(clerk, a_fabric_item(*[10.0] * 90))
        clerk.post(f"{INVOICES}/{receipt['id']}/note.pdf")
        real, rendered = pdf.render, []

        def changed_meanwhile(*args: Any) -> bytes:
            rendered.append(args)
            if len(rendered) == 1:
                clerk.post(f"{INVOICES}/{receipt['id']}/note.pdf")
            return real(*args)

        monkeypatch.setattr(pdf, "render", changed_meanwhile)
        press.print_next(print_job.PRINT_QUEUE, ReceiptPdf.receipt_id == receipt["id"], ReceiptPdf.kind == "note")
        assert len(rendered) == 1
        assert row(receipt).state == "pending"


def scanned(content: bytes, page: int = 0) -> list[str]:
    """What a scanner reads off a printed sheet, from left to right and down."""
    image = pypdfium2.PdfDocument(content)[page].render(scale=200 / 72).to_pil()
    found = zxingcpp.read_barcodes(image)
    found.sort(key=lambda code: (round(code.position.top_left.y, -1), code.position.top_left.x))
    return [code.text for code in found]


class TestLabels:
    def test_scanners_read_every_number(self, clerk: FlaskClient) -> None:
        numbers = ["INV-100/R100", "ŞÇĞ-İı/7", "لفة-١٢٣", "L" * 100, None, *(f"F{n}" for n in range(12))]
        rolls = [a_roll(100.5, factoryRollNo=number, shade="A") for number in numbers]
        receipt = booked(clerk, a_fabric_item(supplierRollList=rolls))
        print_job.print_due()
        content = fetched(clerk, receipt, "labels").data
        expected = [number or rolls[4]["supplierRollNo"] for number in numbers]
        assert len(PdfReader(io.BytesIO(content)).pages) == 2
        assert scanned(content) == expected[: roll_labels.LABELS_PER_SHEET]
        assert scanned(content, 1) == expected[roll_labels.LABELS_PER_SHEET :]
        words = text_of(content)
        for word in ("INV-100/R100", "100.5 m × 145 cm", "Cotton twill", "Blue", "Shade A", "Bursa Mill"):
            assert word in words
        found = clerk.get(INVOICES, query_string={"rollNo": scanned(content)[1]})
        assert [hit["id"] for hit in said(found)["content"]] == [receipt["id"]]

    def test_many_sheets_are_one_file(self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(roll_labels, "SHEETS_PER_PART", 1)
        receipt = booked(clerk, a_fabric_item(*[10.0] * 29))
        print_job.print_due()
        content = fetched(clerk, receipt, "labels").data
        assert len(PdfReader(io.BytesIO(content)).pages) == 3
        assert len(scanned(content, 2)) == 1

    def test_without_rolls_there_are_none(self, clerk: FlaskClient) -> None:
        receipt = booked(clerk, a_fabric_item(grnQty=5))
        print_job.print_due()
        assert "no rolls" in refused(fetched(clerk, receipt, "labels"), 404, 40400)["message"]
        assert fetched(clerk, receipt).status_code == 200


HOSTILE = '</p><link rel=attachment href="file:///etc/passwd"><img src="http://127.0.0.1:1/"><b>'


def test_nothing_in_the_data_opens_anything(clerk: FlaskClient) -> None:
    item = a_fabric_item(color=HOSTILE[:100], grn=HOSTILE[:100], supplierRollList=[a_roll(supplierRollNo=HOSTILE[:90])])
    receipt = booked(clerk, item, invoiceNo=HOSTILE[:100])
    print_job.print_due()
    for kind in ("note", "labels"):
        content = fetched(clerk, receipt, kind).data
        assert not PdfReader(io.BytesIO(content)).attachments
        assert b"root:" not in content
        assert "rel=attachment" in text_of(content).replace("\n", "")


def test_papers_go_with_their_receipt(clerk: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = booked(clerk)
    print_job.print_due()
    others = [name for name in files(tmp_path) if not name.startswith(f"receipts/0/{receipt['id']}-")]
    assert clerk.delete(f"{INVOICES}/{receipt['id']}").status_code == 204
    assert files(tmp_path) == others
    refused(fetched(clerk, receipt), 404, 40400)

    receipt, real = booked(clerk), pdf.render

    def deleted_meanwhile(*args: Any) -> bytes:
        clerk.delete(f"{INVOICES}/{receipt['id']}")
        return real(*args)

    monkeypatch.setattr(pdf, "render", deleted_meanwhile)
    print_job.print_due()
    assert files(tmp_path) == others


def test_a_receipt_from_before_there_were_papers_gets_them_when_asked(clerk: FlaskClient) -> None:
    receipt = booked(clerk)
    with db.engine.begin() as connection:
        connection.execute(ReceiptPdf.__table__.delete())
    refused(fetched(clerk, receipt), 404, 40400)
    print_job.print_due()
    assert fetched(clerk, receipt).status_code == 200
    assert said(clerk.get(f"{INVOICES}/{receipt['id']}/papers"))[1]["state"] == "pending"


def test_papers_of_no_receipt_are_not_found(clerk: FlaskClient) -> None:
    for answer in (
        clerk.get(f"{INVOICES}/9/papers"),
        clerk.get(f"{INVOICES}/9/note.pdf"),
        clerk.post(f"{INVOICES}/9/labels.pdf"),
    ):
        assert refused(answer, 404, 40400)["message"] == "Invoice not found."
