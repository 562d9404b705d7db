"""Search over everything: what each kind of user finds, and how the keyboard gets there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.accounts.models.accounts import User
from app.extensions import db
from app.grn.models.receipts import SupplierRoll
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.conftest import check_page
from tests.factories import a_fabric_item

SEARCH = "/admin/search"
SignedInClient = Callable[..., FlaskClient]


def found(client: FlaskClient, text: str) -> str:
    answer = client.get(SEARCH, query_string={"q": text})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_whole_number_opens_the_object(signed_in_client: SignedInClient) -> None:
    number = sample_data.import_invoice()
    client = signed_in_client("warehouse")
    answer = client.get(SEARCH, query_string={"q": f" {number.lower()} "})
    assert answer.status_code == 303
    assert number in client.get(answer.location).text


def test_a_roll_number_opens_the_roll(signed_in_client: SignedInClient) -> None:
    with unit_of_work():
        item = sample_data.receive_goods(10.0).fabric_items[0]
        [number] = db.session.scalars(
            select(SupplierRoll.supplier_roll_no).where(SupplierRoll.fabric_item_id == item.id)
        )
    client = signed_in_client("warehouse")
    answer = client.get(SEARCH, query_string={"q": number})
    assert answer.status_code == 303
    assert "/rolls/" in answer.location
    assert number in client.get(answer.location).text


@pytest.mark.parametrize("scanned", ["inv-9/007 a", " INV-9/007 A\t", "INV-9/007 A", "s-007", "\ufeffS-007"])
def test_a_scanned_label_opens_the_roll(signed_in_client: SignedInClient, scanned: str) -> None:
    """The QR code of a label has the factory's number; a scanner may add white space."""
    rolls = [{"supplierRollNo": "S-007", "factoryRollNo": "INV-9/007 A", "supplierLength": 5}]
    sample_data.receive_goods(fabricItemList=[a_fabric_item(supplierRollList=rolls)])
    client = signed_in_client("warehouse")
    answer = client.get(SEARCH, query_string={"q": scanned})
    assert answer.status_code == 303
    assert "S-007" in client.get(answer.location).text


def test_leading_zeros_tell_rolls_apart(signed_in_client: SignedInClient) -> None:
    rolls = [{"supplierRollNo": number, "supplierLength": 5} for number in ("0077", "77")]
    receipt = sample_data.receive_goods(fabricItemList=[a_fabric_item(supplierRollList=rolls)])
    ids = [roll.id for roll in receipt.fabric_items[0].rolls]
    client = signed_in_client("warehouse")
    opened = [client.get(SEARCH, query_string={"q": number}).location for number in ("0077", "77")]
    assert [location.rpartition("/")[2] for location in opened] == [str(roll_id) for roll_id in ids]


def test_a_scanner_needs_no_field(signed_in: Callable[..., Page]) -> None:
    rolls = [{"supplierRollNo": "S 007", "factoryRollNo": "INV-9/007", "supplierLength": 5}]
    sample_data.receive_goods(fabricItemList=[a_fabric_item(supplierRollList=rolls)])
    page = signed_in("warehouse")
    page.get_by_role("link", name="Goods receipts").first.focus()
    page.keyboard.type("INV-9/007")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Inspect roll S 007")
    page.goto("/admin/receipts")
    page.get_by_label("Colour").fill("blue")  # what is typed into a field stays there
    page.keyboard.type("S 007")
    expect(page.get_by_label("Colour")).to_have_value("blueS 007")


def test_a_roll_hides_no_receipt_with_the_same_number(signed_in_client: SignedInClient) -> None:
    with unit_of_work():
        item = sample_data.receive_goods(10.0).fabric_items[0]
        numbers = select(SupplierRoll.supplier_roll_no).where(SupplierRoll.fabric_item_id == item.id)
        [number] = db.session.scalars(numbers)
    other = sample_data.receive_goods(20.0, invoiceNo=number)
    text = found(signed_in_client("warehouse"), number)
    assert "/rolls/" in text
    assert f"/admin/receipts/{other.id}" in text


def test_beginnings_of_words_list_all_kinds(signed_in_client: SignedInClient) -> None:
    number = sample_data.import_invoice()
    text = found(signed_in_client("warehouse"), number[:3])
    assert number in text
    assert "Sales invoices" in text


def test_an_owner_finds_own_einvoices_only(signed_in_client: SignedInClient, create_user: Callable[..., User]) -> None:
    owner, other = (sample_data.enable_module(create_user("integrator")) for _ in range(2))
    number = sample_data.issue_einvoice(owner).invoice_no
    mine = signed_in_client(owner).get(SEARCH, query_string={"q": number})
    assert mine.status_code == 303
    assert "Nothing found" in found(signed_in_client(other), number)


def test_a_request_id_leads_to_its_calls_and_changes(signed_in_client: SignedInClient) -> None:
    request_id = "followed-by-one-id"
    client = signed_in_client("admin")
    credentials = {"email": "nobody@hub.example", "password": "wrong"}
    client.post("/api/auth/login/", json=credentials, headers={"X-Request-Id": request_id})
    answer = client.get(SEARCH, query_string={"q": request_id}, follow_redirects=True)
    assert "session.refused" in answer.text
    assert "Nothing found" in found(client, "no-request-has-this-id")
    assert "Nothing found" in found(signed_in_client("warehouse"), request_id)


HOSTILE = ("", "  ", "\u200b", "x" * 5000, "%", "_", "'", "\x00", "<script>", b"\xed\xa0\x80", b"\xff")


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_answered(signed_in_client: SignedInClient, text: str | bytes) -> None:
    assert signed_in_client("admin").get(SEARCH, query_string={"q": text}).status_code == 200


def test_ctrl_k_goes_to_the_search(signed_in: Callable[..., Page]) -> None:
    number = sample_data.import_invoice()
    page = signed_in("warehouse")
    page.keyboard.press("Control+k")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=number)).to_be_visible()


def test_search_page_is_accessible(signed_in: Callable[..., Page]) -> None:
    number = sample_data.import_invoice()
    check_page(signed_in, "global-search", lambda page: page.goto(f"{SEARCH}?q={number[:3]}"))
