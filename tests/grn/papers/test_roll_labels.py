"""The labels of rolls: QR codes, texts and sheets."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.grn.papers import print_job
from app.pdf.labels import sheets
from tests.factories import a_fabric_item, a_roll
from tests.grn.helpers import error_body, json_body
from tests.grn.papers.helpers import INVOICES, create_receipt, extract_text, get_pdf

CASES = Path(__file__).resolve().parents[2] / "cases"


def scan(content: bytes, page: int = 0) -> list[str]:
    """Return the texts of the QR codes on a page, from left to right and from top to bottom."""
    image = pypdfium2.PdfDocument(content)[page].render(scale=200 / 72).to_pil()
    found = zxingcpp.read_barcodes(image)
    found.sort(key=lambda code: (round(code.position.top_left.y, -1), code.position.top_left.x))
    return [code.text for code in found]


class TestLabels:
    def test_every_qr_code_can_be_scanned(self, clerk: FlaskClient) -> None:
        numbers = ["INV-100/R100", "ŞÇĞ-İı/7", "لفة-١٢٣", "L" * 100, None, *(f"F{n}" for n in range(12))]
        rolls = [a_roll(100.5, factoryRollNo=number, shade="A") for number in numbers]
        receipt = create_receipt(clerk, a_fabric_item(supplierRollList=rolls))
        print_job.print_due()
        content = get_pdf(clerk, receipt, "labels").data
        expected = [number or rolls[4]["supplierRollNo"] for number in numbers]
        assert len(PdfReader(io.BytesIO(content)).pages) == 2
        assert scan(content) == expected[: sheets.LABELS_PER_SHEET]
        assert scan(content, 1) == expected[sheets.LABELS_PER_SHEET :]
        words = extract_text(content)
        for word in ("INV-100/R100", "100.5 m × 145 cm", "Cotton twill", "Blue", "Shade A", "Bursa Mill"):
            assert word in words
        found = clerk.get(INVOICES, query_string={"rollNo": scan(content)[1]})
        assert [hit["id"] for hit in json_body(found)["content"]] == [receipt["id"]]

    def test_a_chinese_roll_number_is_printed(self, clerk: FlaskClient) -> None:
        payload = json.loads((CASES / "grn-chinese-roll-number-label-says-minus-001.json").read_text())
        receipt = json_body(clerk.post(INVOICES, json=payload), 201)
        print_job.print_due()
        content = get_pdf(clerk, receipt, "labels").data
        assert scan(content) == ["卷-001"]
        words = extract_text(content)
        assert "卷-001" in words
        assert "藏青色" in words

    def test_several_parts_are_merged_into_one_file(self, clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sheets, "SHEETS_PER_PART", 1)
        receipt = create_receipt(clerk, a_fabric_item(*[10.0] * 29))
        print_job.print_due()
        content = get_pdf(clerk, receipt, "labels").data
        assert len(PdfReader(io.BytesIO(content)).pages) == 3
        assert len(scan(content, 2)) == 1

    def test_a_receipt_without_rolls_has_no_labels(self, clerk: FlaskClient) -> None:
        receipt = create_receipt(clerk, a_fabric_item(grnQty=5))
        print_job.print_due()
        assert "no rolls" in error_body(get_pdf(clerk, receipt, "labels"), 404, 40400)["message"]
        assert get_pdf(clerk, receipt).status_code == 200
