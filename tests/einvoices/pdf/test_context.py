"""Content of the e-invoice PDF: escaped data, labels, pages and logo."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.einvoices import sellers
from app.einvoices.pdf import print_job
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import create_issued, fetch_pdf, pdf_text, perform, png_logo

HOSTILE = '</p><link rel=attachment href="file:///etc/passwd"><img src="http://127.0.0.1:1/"><style>@import "file:///x"</style>'


@pytest.mark.parametrize("language", ["tr", "en"])
def test_hostile_data_opens_no_file_or_address(owner: FlaskClient, language: str) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", language=language, name=HOSTILE, footer=HOSTILE, address=HOSTILE)
    items = [{"name": HOSTILE, "sku": "<b>", "quantity": 1, "unit_price": 1}]
    buyer = {"name": HOSTILE, "address": HOSTILE, "tax_id": "<i>"}
    einvoice = create_issued(owner, buyer=buyer, items=items, notes=HOSTILE, marketplace="<script>")
    print_job.print_due()
    content = fetch_pdf(owner, einvoice["id"]).data
    reader = PdfReader(io.BytesIO(content))
    assert not reader.attachments
    assert "<script>" in pdf_text(content)
    assert b"root:" not in content


def test_a_credit_prints_its_type_original_and_reason(owner: FlaskClient) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", language="en")
    sale = create_issued(owner)
    note = perform(
        owner,
        sale["id"],
        "credit-notes",
        {"reason": "One was torn", "items": [{"item_id": sale["items"][0]["id"], "quantity": 1}]},
    )
    perform(owner, note["id"], "issue")
    back = perform(owner, sale["id"], "returns", {"reason": "The other too"})
    perform(owner, back["id"], "issue")
    print_job.print_due()
    text = pdf_text(fetch_pdf(owner, note["id"]).data)
    assert "CREDIT NOTE" in text
    assert sale["invoice_no"] in text
    assert "One was torn" in text
    assert "RETURN INVOICE" in pdf_text(fetch_pdf(owner, back["id"]).data)


def test_every_page_repeats_the_table_head_and_has_a_number(owner: FlaskClient) -> None:
    items = [{"name": f"Item {n}", "quantity": 1, "unit_price": 1} for n in range(70)]
    einvoice = create_issued(owner, items=items)
    print_job.print_due()
    pages = PdfReader(io.BytesIO(fetch_pdf(owner, einvoice["id"]).data)).pages
    texts = [" ".join(page.extract_text().split()) for page in pages]
    assert len(texts) >= 3
    assert all("Mal / hizmet" in text for text in texts[:2])
    assert f"Sayfa 2 / {len(texts)}" in texts[1]


def test_an_issued_einvoice_keeps_its_logo(owner: FlaskClient) -> None:
    with unit_of_work():
        sellers.save_logo(owner.user_id, png_logo(), actor="test")
    einvoice = create_issued(owner)
    with unit_of_work():
        sellers.save_logo(owner.user_id, None, actor="test")
    print_job.print_due()
    reader = PdfReader(io.BytesIO(fetch_pdf(owner, einvoice["id"]).data))
    logo, _code = (image.image.size for image in reader.pages[0].images)
    assert logo == (40, 20)
