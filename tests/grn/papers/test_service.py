"""PDFs of goods receipts: scheduling, states, renewal after changes, deletion."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from app import pdf
from app.extensions import db
from app.grn.models.papers import ReceiptPdf
from app.grn.papers import print_job
from app.grn.papers import service as papers
from app.kernel import clock
from app.kernel.storage.stores import file_store
from app.pdf import print_queue
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import error_body, json_body
from tests.grn.papers.helpers import INVOICES, create_receipt, extract_text, get_pdf, pdf_files, print_row

pytestmark = pytest.mark.usefixtures("each_storage")
MARKUP = '</p><link rel=attachment href="file:///etc/passwd"><img src="http://127.0.0.1:1/"><b>'


def skip_change_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + papers.CHANGE_DELAY + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)


class TestNote:
    def test_the_note_is_pending_then_rendered_and_cached(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(clerk, invoiceNo="INV-7")
        before = get_pdf(clerk, receipt)
        assert error_body(before, 404, 40400)["state"] == "pending"
        assert before.headers["Retry-After"] == "2"
        assert not print_job.print_due()
        answer = get_pdf(clerk, receipt)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.headers["Content-Disposition"] == f"inline; filename=note-{receipt['id']}-INV-7.pdf"
        digest = hashlib.sha256(answer.data).hexdigest()
        assert answer.headers["ETag"] == f'"{digest}"'
        assert get_pdf(clerk, receipt, **{"If-None-Match": f'"{digest}"'}).status_code == 304
        assert get_pdf(clerk, receipt, Range="bytes=0-7").status_code == 206
        shown = {paper["kind"]: paper for paper in json_body(clerk.get(f"{INVOICES}/{receipt['id']}/papers"))}
        assert (shown["note"]["state"], shown["note"]["sha256"]) == ("done", digest)
        assert clerk.get(shown["labels"]["url"], buffered=True).status_code == 200

    def test_an_outdated_note_is_never_sent(
        self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        receipt = create_receipt(clerk)
        print_job.print_due()
        first = get_pdf(clerk, receipt).data
        [item] = receipt["fabricItemList"]
        roll = f"{INVOICES}/{receipt['id']}/fabric-items/{item['id']}/rolls/{item['supplierRollList'][0]['id']}"
        json_body(clerk.patch(roll, json={"length": 99.5, "shade": "Q"}))
        assert print_row(receipt).due_at > clock.now()  # more changes may follow
        error_body(get_pdf(clerk, receipt), 404, 40400)
        assert print_row(receipt).due_at == papers.FRONT_OF_QUEUE  # a client waits
        print_job.print_due()
        second = get_pdf(clerk, receipt).data
        assert "99.5" in extract_text(second)
        assert second != first
        error_body(get_pdf(clerk, receipt, "labels"), 404, 40400)
        skip_change_delay(monkeypatch)
        print_job.print_due()
        assert len(pdf_files()) == 2 + 2  # the receipt of the demo data has two PDFs too

    def test_a_second_change_does_not_delay_the_rendering(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(clerk)
        print_job.print_due()
        json_body(clerk.put(f"{INVOICES}/{receipt['id']}", json={**a_receipt(), "externalId": receipt["externalId"]}))
        due = print_row(receipt).due_at
        json_body(clerk.put(f"{INVOICES}/{receipt['id']}", json={**a_receipt(), "externalId": receipt["externalId"]}))
        assert print_row(receipt).due_at == due

    def test_a_failure_is_shown_and_can_be_retried(self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        receipt = create_receipt(clerk)
        with monkeypatch.context() as broken:
            broken.setattr(pdf, "render", lambda *_: 1 / 0)
            for _ in range(6):
                moment = clock.now() + timedelta(hours=2)
                broken.setattr(clock, "now", lambda moment=moment: moment)
                print_job.print_due()
        refusal = error_body(get_pdf(clerk, receipt), 404, 40400)
        assert (refusal["state"], refusal["reason"]) == ("failed", print_queue.UNEXPECTED_FAILURE)
        clerk.post(f"{INVOICES}/{receipt['id']}/note.pdf")
        print_job.print_due()
        assert get_pdf(clerk, receipt).status_code == 200

    def test_a_character_that_no_font_has_fails_the_paper_at_once(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(clerk, invoiceNo="INV-\ue000")
        print_job.print_due()
        refusal = error_body(get_pdf(clerk, receipt), 404, 40400)
        assert refusal["state"] == "failed"
        assert "No font has these characters: (U+E000)." in refusal["message"]

    def test_a_line_end_in_the_invoice_number_does_not_break_the_download(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(clerk, invoiceNo="INV\r\n7\u202e8")
        print_job.print_due()
        answer = get_pdf(clerk, receipt)
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"] == f"inline; filename=note-{receipt['id']}-INV__78.pdf"

    def test_a_missing_file_is_rendered_again(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(clerk)
        print_job.print_due()
        file_store().remove(print_row(receipt).path)
        error_body(get_pdf(clerk, receipt), 404, 40400)
        print_job.print_due()
        assert get_pdf(clerk, receipt).status_code == 200


class TestMasterDataChanges:
    @pytest.mark.parametrize("path", ["suppliers/1", "fabrics/1"])
    def test_pdfs_show_a_new_name_when_they_are_requested(self, clerk: FlaskClient, tmp_path: Path, path: str) -> None:
        receipt = create_receipt(clerk)
        print_job.print_due()
        master = json_body(clerk.get(f"/api/{path}"))
        json_body(clerk.put(f"/api/{path}", json={**master, "name": "Renamed"}))
        assert not pdf_files()
        error_body(get_pdf(clerk, receipt), 404, 40400)
        print_job.print_due()
        assert "Renamed" in extract_text(get_pdf(clerk, receipt).data)

    def test_columns_that_are_not_printed_keep_the_pdfs(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(clerk)
        print_job.print_due()
        json_body(
            clerk.put("/api/suppliers/1", json={**json_body(clerk.get("/api/suppliers/1")), "metadata": {"a": 1}})
        )
        assert get_pdf(clerk, receipt).status_code == 200


def test_markup_in_the_data_is_not_interpreted(clerk: FlaskClient) -> None:
    item = a_fabric_item(color=MARKUP[:100], grn=MARKUP[:100], supplierRollList=[a_roll(supplierRollNo=MARKUP[:90])])
    receipt = create_receipt(clerk, item, invoiceNo=MARKUP[:100])
    print_job.print_due()
    for kind in ("note", "labels"):
        content = get_pdf(clerk, receipt, kind).data
        assert not PdfReader(io.BytesIO(content)).attachments
        assert b"root:" not in content
        assert "rel=attachment" in extract_text(content).replace("\n", "")


def test_files_are_deleted_with_their_receipt(
    clerk: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = create_receipt(clerk)
    print_job.print_due()
    others = [name for name in pdf_files() if not name.startswith(f"receipts/0/{receipt['id']}-")]
    assert clerk.delete(f"{INVOICES}/{receipt['id']}").status_code == 204
    assert pdf_files() == others
    error_body(get_pdf(clerk, receipt), 404, 40400)

    receipt, real = create_receipt(clerk), pdf.render

    def deleted_meanwhile(*args: Any) -> bytes:
        clerk.delete(f"{INVOICES}/{receipt['id']}")
        return real(*args)

    monkeypatch.setattr(pdf, "render", deleted_meanwhile)
    print_job.print_due()
    assert pdf_files() == others


def test_missing_rows_are_created_on_request(clerk: FlaskClient) -> None:
    receipt = create_receipt(clerk)
    with db.engine.begin() as connection:
        connection.execute(ReceiptPdf.__table__.delete())
    error_body(get_pdf(clerk, receipt), 404, 40400)
    print_job.print_due()
    assert get_pdf(clerk, receipt).status_code == 200
    assert json_body(clerk.get(f"{INVOICES}/{receipt['id']}/papers"))[1]["state"] == "pending"


def test_pdfs_of_an_unknown_receipt_are_not_found(clerk: FlaskClient) -> None:
    for answer in (
        clerk.get(f"{INVOICES}/9/papers"),
        clerk.get(f"{INVOICES}/9/note.pdf"),
        clerk.post(f"{INVOICES}/9/labels.pdf"),
    ):
        assert error_body(answer, 404, 40400)["message"] == "Invoice not found."
