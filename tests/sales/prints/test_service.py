"""Pick slips and box labels: their content, the paper, the number of labels, and the rendering on demand."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import update

from app.extensions import db
from app.sales.models.invoices import SalesInvoice
from app.sales.prints import pick_slip, service
from tests.factories import an_item

Make = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _own_storage(own_folder: None) -> None:
    """An empty folder."""


@pytest.fixture
def clerk(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    return client_as("warehouse")


def fetch(client: FlaskClient, invoice: dict[str, Any], kind: str = "pick-slip", **query: Any) -> Any:
    return client.get(f"/api/sales/invoices/{invoice['id']}/{kind}.pdf", query_string=query, buffered=True)


def printed(client: FlaskClient, invoice: dict[str, Any], kind: str = "pick-slip", **query: Any) -> bytes:
    fetch(client, invoice, kind, **query)
    service.print_due()
    answer = fetch(client, invoice, kind, **query)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf"), answer.json
    content: bytes = answer.data
    return content


def text_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def scan(content: bytes, page: int = 0) -> list[str]:
    image = pypdfium2.PdfDocument(content)[page].render(scale=150 / 72).to_pil()
    return [code.text for code in zxingcpp.read_barcodes(image)]


def change(**values: Any) -> None:
    with db.engine.begin() as connection:
        connection.execute(update(SalesInvoice).values(**values))


@pytest.mark.usefixtures("each_storage")
def test_pick_slip_is_404_until_it_is_made(clerk: FlaskClient, imported: Make) -> None:
    invoice = imported(invoice_no="LTPI-1")
    pending = fetch(clerk, invoice)
    assert (pending.status_code, pending.json["success"], pending.json["data"]) == (404, False, {"state": "pending"})
    assert int(pending.headers["Retry-After"]) >= 1
    service.print_due()
    answer = fetch(clerk, invoice)
    assert answer.headers["Content-Disposition"] == "inline; filename=pick-slip-LTPI-1.pdf"
    assert scan(answer.data) == ["LTPI-1"]


def test_pick_slip_has_what_a_picker_needs_in_the_order_of_the_shelves(clerk: FlaskClient, imported: Make) -> None:
    items = [
        an_item(name="Last", shelf_location="", quantity=1),
        an_item(name="Second", shelf_location="R-12", batch_no="B456", expiry_date="2027-05-31", quantity=1200),
        an_item(name="First", shelf_location="G-04", packing="10ml Bottle", barcode="BC-9"),
    ]
    text = text_of(printed(clerk, imported(items=items, priority="HIGH", remarks="Call before delivery")))
    places = [text.index(word) for word in ("G-04", "First", "R-12", "Second", "Last")]
    assert places == sorted(places)
    for words in ("HIGH", "B456", "2027-05-31", "1,200", "10ml Bottle", "BC-9", "Call before delivery", "Pieces 1,221"):
        assert words in text
    assert "Lines 3" in text


def test_shelves_are_in_the_order_in_which_they_stand(clerk: FlaskClient, imported: Make) -> None:
    shelves = ["A-1-03", "A-2-01", "A-2-03", "A-10-03", "b-1", "B-02", "B-10", "B-10-x"]
    items = [an_item(shelf_location=shelf) for shelf in reversed(shelves)]
    printed_shelves = re.findall(r"\b[ABb]-[\w-]+", text_of(printed(clerk, imported(items=items))))
    assert printed_shelves == shelves


def test_pick_slip_of_many_lines_is_whole(clerk: FlaskClient, imported: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pick_slip, "LINES_PER_PART", 40)
    content = printed(clerk, imported(items=[an_item(name=f"Item {n}.") for n in range(100)]))
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    assert all(f"Item {n}." in "".join(pages) for n in range(100))
    assert all(f"Page {number} / {len(pages)}" in page for number, page in enumerate(pages, 1))
    assert sum("Picked by" in page for page in pages) == 1


def test_no_page_of_a_pick_slip_has_signature_lines_alone(clerk: FlaskClient, imported: Make) -> None:
    for count in range(15, 19):
        content = printed(clerk, imported(items=[an_item(name=f"Item {n}.") for n in range(count)]))
        [signed] = [p for p in (q.extract_text() for q in PdfReader(io.BytesIO(content)).pages) if "Picked by" in p]
        assert f"Item {count - 1}." in signed


def test_a_change_makes_the_papers_anew(clerk: FlaskClient, imported: Make) -> None:
    invoice = imported()
    printed(clerk, invoice)
    change(remarks="Changed", updated_at=db.func.now())
    assert fetch(clerk, invoice).json["data"]["state"] == "pending"
    assert "Changed" in text_of(printed(clerk, invoice))


def test_each_packed_box_has_a_label(clerk: FlaskClient, imported: Make) -> None:
    invoice = imported(invoice_no="LTPI-7", customer={"code": "C1", "name": "Şifa Eczanesi", "address1": "Gar Cad. 5"})
    one = printed(clerk, invoice, "box-labels", paper="thermal")
    assert scan(one) == ["LTPI-7"]
    assert "Box" not in text_of(one)
    change(label_count=3, updated_at=db.func.now())
    content = printed(clerk, invoice, "box-labels", paper="thermal")
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]
    assert len(pages) == 3
    for number, page in enumerate(pages, 1):
        assert all(words in page for words in ("LTPI-7", f"Box {number} / 3", "Şifa Eczanesi", "Gar Cad. 5"))
    assert len(PdfReader(io.BytesIO(printed(clerk, invoice, "box-labels", paper="thermal", copies=2))).pages) == 2


def test_sheets_of_labels_begin_at_the_chosen_place(clerk: FlaskClient, imported: Make) -> None:
    content = printed(clerk, imported(invoice_no="LTPI-8"), "box-labels", start=14, copies=3)
    assert [scan(content, page) for page in range(2)] == [["LTPI-8"], ["LTPI-8"] * 2]


def test_choices_are_kept_apart(clerk: FlaskClient, imported: Make) -> None:
    invoice = imported()
    first = printed(clerk, invoice, "box-labels", copies=1)
    assert printed(clerk, invoice, "box-labels", copies=2) != first
    assert fetch(clerk, invoice, "box-labels", copies=1).data == first


@pytest.mark.parametrize("query", [{"paper": "a5"}, {"start": 15}, {"start": 0}, {"copies": 0}, {"copies": 1001}])
def test_wrong_choices_are_refused(clerk: FlaskClient, imported: Make, query: dict[str, Any]) -> None:
    answer = fetch(clerk, imported(), "box-labels", **query)
    assert answer.status_code == 400
    assert list(answer.json["errors"]) == list(query)


def test_a_paper_that_cannot_be_made_says_why(clerk: FlaskClient, imported: Make) -> None:
    invoice = imported(remarks="a\ue000")
    fetch(clerk, invoice)
    service.print_due()
    answer = fetch(clerk, invoice)
    assert (answer.status_code, answer.json["data"]["state"]) == (404, "failed")
    assert "U+E000" in answer.json["data"]["reason"]


def test_an_unknown_invoice_has_no_papers(clerk: FlaskClient) -> None:
    for kind in ("pick-slip", "box-labels"):
        answer = fetch(clerk, {"id": 999}, kind)
        assert (answer.status_code, answer.json["message"]) == (404, "Invoice not found.")
