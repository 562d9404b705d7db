"""The PDF as people read it: lines and totals add up, credits say what they are, and texts have their direction."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.einvoices import sellers
from app.einvoices.documents.canonical_form import issue_facts_of
from app.einvoices.lifecycle import totals
from app.einvoices.pdf import context, print_job
from app.kernel.bidi import direction_of
from app.kernel.unit_of_work import unit_of_work
from app.pdf import renderer
from bench.bench_pdf import SELLER, invoice_data, issued_invoice
from tests.einvoices.helpers import create_issued, fetch_pdf, pdf_text, perform

ITEMS = [
    {"name": "Poplin", "quantity": "3", "unit_price": "33.335", "discount_amount": "10.05", "vat_rate": 20},
    {"name": "Twill", "quantity": "1.5", "unit_price": "3.3333333333", "discount_amount": "0.01", "vat_rate": 10},
    {"name": "Denim", "quantity": "7", "unit_price": "12.5", "vat_rate": 20},
]
ALLOWANCES = [
    {"amount": "15.10", "vat_rate": 20, "reason": "Loyalty", "percent": "5"},
    {"amount": "25.50", "vat_rate": 20, "reason": "Freight", "is_charge": True},
]


def english(owner: FlaskClient, **facts: Any) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", language="en", **facts)


def shown(einvoice_id: int) -> dict[str, Any]:
    with unit_of_work():
        return print_job.read_context(einvoice_id)[1]


def value(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-") or "0")


def require_sums(data: dict[str, Any]) -> None:
    """Each line adds up, and each row of the sums follows from the rows above it."""
    for item in data["items"]:
        assert value(item["gross"]) - value(item["discount"]) == value(item["net"])
        assert value(item["net"]) + value(item["vat"]) == value(item["total"])
    total = Decimal(0)
    results = {data["label"][name] for name in ("line_total", "subtotal", "grand_total", "payable")}
    for number, row in enumerate(data["sums"]):
        if number and row.label in results:
            assert value(row.amount) == total, row
        else:
            total += value(row.amount)
    assert data["sums"][-1].is_result
    assert sum(value(rate["vat"]) for rate in data["rates"]) == sum(value(item["vat"]) for item in data["items"])


@pytest.mark.parametrize("currency", ["TRY", "JPY", "KWD", "INR"])
def test_lines_and_totals_add_up(owner: FlaskClient, currency: str) -> None:
    english(owner)
    whole = {"discount_amount": "1", "amount": "3"} if currency == "JPY" else {}  # a yen has no parts
    items, allowances = (
        [{name: whole.get(name, each[name]) for name in each} for each in rows] for rows in (ITEMS, ALLOWANCES)
    )
    for more in (
        {},
        {"allowances": allowances},
        {"allowances": allowances, "prepaid_amount": "5", "rounding_amount": "1"},
    ):
        sale = create_issued(owner, items=items, currency=currency, **more)
        data = shown(sale["id"])
        require_sums(data)
        assert [column.name for column in data["columns"].figures][2:4] == ["gross", "discount"]
        labels = [row.label for row in data["sums"]]
        assert ("Allowance 5%: Loyalty" in labels, "Charge: Freight" in labels) == (bool(more),) * 2
        assert ("Paid already" in labels) == ("prepaid_amount" in more)


def test_withholding_is_shown_by_code(owner: FlaskClient) -> None:
    english(owner)
    item = {"name": "Sewing", "quantity": 2, "unit_price": 500, "vat_rate": 20, "withholding_code": "624"}
    data = shown(create_issued(owner, items=[item], currency="TRY")["id"])
    require_sums(data)
    assert ("VAT withheld by the buyer (624, 20%)", "−40.00") in [(row.label, row.amount) for row in data["sums"]]
    assert (data["sums"][-1].label, data["sums"][-1].amount) == ("Payable", "1,160.00")


@pytest.mark.parametrize(
    ("kind", "title", "words", "name"),
    [
        ("credit-notes", "CREDIT NOTE", ("Item credited", "Net credited"), "credit-note"),
        ("returns", "RETURN INVOICE", ("Item returned", "Net given back"), "return"),
    ],
)
def test_what_gives_money_back_says_so_everywhere(
    owner: FlaskClient, kind: str, title: str, words: tuple[str, str], name: str
) -> None:
    item, net = words
    english(owner)
    sale = create_issued(owner, items=[{"name": f"Item {n}", "quantity": 1, "unit_price": 1} for n in range(40)])
    note = perform(owner, perform(owner, sale["id"], kind, {"reason": "Torn"})["id"], "issue")
    print_job.print_due()
    answer = fetch_pdf(owner, note["id"])
    assert answer.headers["Content-Disposition"] == f"attachment; filename={note['invoice_no']}-{name}.pdf"
    reader = PdfReader(io.BytesIO(answer.data))
    assert reader.metadata is not None
    assert reader.metadata.title == f"{title} {note['invoice_no']}"
    for page in reader.pages:
        text = " ".join(page.extract_text().split())
        # Above the table, and in the footer.
        assert text.count(f"{title} {note['invoice_no']}") >= 2
        assert f"{title} {note['invoice_no']} · For invoice {sale['invoice_no']}" in text
        assert item in text
    last = " ".join(reader.pages[-1].extract_text().split())
    assert net in last
    assert "Total to give back" in last
    assert "Net total" not in pdf_text(answer.data)
    require_sums(shown(note["id"]))


@pytest.mark.slow
def test_no_page_begins_with_bare_totals() -> None:
    """Whatever the number of lines: where the totals do not fit, the last line goes with them."""
    data = invoice_data(40)
    moved = 0
    for count in range(9, 26):
        part = {**data, "items": data["items"][:count]}
        pages = PdfReader(io.BytesIO(renderer.render(context.TEMPLATES, context.TEMPLATE, part))).pages
        with_totals = [page.extract_text() for page in pages if "Genel toplam" in page.extract_text()]
        assert len(with_totals) == 1
        assert f"TSH-{count - 1}" in with_totals[0]
        moved += len(pages) > 1 and "TSH-0" not in with_totals[0]
    assert moved


@pytest.mark.parametrize(
    ("is_interstate", "taxes"), [(False, ["CGST 9%", "SGST 9%"]), (True, ["IGST 18%"])], ids=["within", "between"]
)
def test_india_groups_by_two_and_names_its_taxes(is_interstate: bool, taxes: list[str]) -> None:
    lines = [totals.Line(Decimal(1), Decimal("12345678.90"), Decimal(0), Decimal(18))]
    facts = {"currency": "INR", "tax_rule": "gst_item", "is_interstate": is_interstate}
    einvoice = issued_invoice([{"name": "Cloth"}], lines, seller={**SELLER, "language": "en"}, **facts)
    data = context.build_context(einvoice, issue_facts_of(einvoice), None, None)
    assert data["items"][0]["net"] == "1,23,45,678.90"
    assert [row.label for row in data["sums"]] == ["Net total", *taxes, "Total"]
    require_sums(data)


@pytest.mark.parametrize(
    ("text", "direction"),
    [("Kumaş", "ltr"), ("شركة ABC", "rtl"), ("12 (בע״מ) A", "rtl"), ("A חברה", "ltr"), ("12-3", "ltr"), ("", "ltr")],
)
def test_direction_is_that_of_the_first_letter(text: str, direction: str) -> None:
    assert direction_of(text) == direction


def test_a_name_from_right_to_left_keeps_its_brackets_and_its_end_in_place() -> None:
    """The last word of an Arabic name stands at the left of its line, however Latin words are mixed in."""
    name = "شركة (ABC) 123 ، خ"
    data = {**invoice_data(1), "notes": name, "buyer": {**invoice_data(1)["buyer"], "name": "A"}}
    page = pypdfium2.PdfDocument(renderer.render(context.TEMPLATES, context.TEMPLATE, data))[0].get_textpage()
    text = page.get_text_range()
    left = {sign: page.get_charbox(text.rindex(sign))[0] for sign in "خش3"}
    assert left["خ"] < left["3"] < left["ش"]
